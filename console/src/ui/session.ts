/** What is known once somebody has signed in. */

import { Failure } from "../failure";
import { Service, type TableName, type Usage } from "../service";

export interface Session {
  readonly service: Service;
  /** Null where the policies do not let the key ask. */
  readonly usage: Usage | null;
  readonly tables: readonly TableName[];
}

/** Sign in with *key*; none at all is right in dev mode only. */
export async function enter(key: string | null): Promise<Session> {
  if (key !== null && !/^[\x21-\x7e]+$/.test(key)) throw new Failure("UNAUTHORIZED", "Invalid API key");
  const service = new Service(key, new URL(".", document.baseURI));
  const [usage, tables] = await Promise.all([permitted(service.usage()), permitted(service.tables())]);
  return { service, usage, tables: tables ?? [] };
}

/** What was asked for, or null if the policies forbid it: a key that may not look around is a key all the same. */
export async function permitted<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (fault) {
    if (fault instanceof Failure && fault.code === "POLICY_DENIED") return null;
    throw fault;
  }
}
