/** What is known once somebody has signed in. */

import { Failure } from "../failure";
import { Service, type TableName, type Usage } from "../service";

export interface Session {
  readonly service: Service;
  readonly usage: Usage;
  readonly tables: readonly TableName[];
}

/** Sign in with *key*; none at all is right in dev mode only. */
export async function enter(key: string | null): Promise<Session> {
  const service = new Service(key, new URL(".", document.baseURI));
  const [usage, tables] = await Promise.all([service.usage(), readable(service)]);
  return { service, usage, tables };
}

/** The tables that the key may read; a key that may read none still signs in. */
export async function readable(service: Service): Promise<readonly TableName[]> {
  try {
    return await service.tables();
  } catch (fault) {
    if (fault instanceof Failure && fault.code === "POLICY_DENIED") return [];
    throw fault;
  }
}
