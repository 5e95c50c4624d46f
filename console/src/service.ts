/** The gateway, as one key sees it. The key is in this object's memory and nowhere else. */

import { Result, type Receipt } from "./result";
import { Failure, NO_CONNECTION, STOPPED } from "./failure";

export interface TableName {
  readonly schema: string;
  readonly name: string;
  readonly isView: boolean;
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly masked: string | null;
}

export interface UsageLine {
  readonly day: string;
  readonly agent_id: string;
  readonly table: string;
  readonly queries: number;
  readonly refused: number;
  readonly rows: number;
  readonly bytes: number;
  readonly credits: number;
}

export interface Usage {
  readonly key_prefix: string;
  readonly queries: number;
  readonly refused: number;
  readonly rows: number;
  readonly bytes: number;
  readonly credits: number;
  readonly by_table: readonly UsageLine[];
}

export interface Question {
  readonly sql: string;
  readonly dialect: string;
  readonly timeoutMs: number;
}

const BROKEN = "The connection broke before the whole answer was here";
const SHOWN_LETTERS = 12;
/** For questions about tables and usage; a query has its own time limit, and a button to cancel it. */
const PATIENCE_MS = 35_000;
const ARROW = "application/vnd.apache.arrow.stream";

export class Service {
  readonly #key: string | null;
  readonly #base: URL;

  /** A service without a key is the administrator's in dev mode, and refuses everything otherwise. */
  constructor(key: string | null, base: URL) {
    this.#key = key;
    this.#base = base;
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** As much of the key as lists of keys show. */
  get keyPrefix(): string {
    return `${this.#key?.slice(0, SHOWN_LETTERS) ?? ""}…`;
  }

  /** Run one statement; `onBytes` hears how much of the answer has arrived. */
  async run(question: Question, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<Result> {
    const started = performance.now();
    const response = await this.#post(
      "v1/query/arrow",
      { sql: question.sql, dialect: question.dialect, timeout_ms: question.timeoutMs },
      ARROW,
      signal,
    );
    if (!response.ok) throw await failureOf(response);
    const bytes = await received(response, signal, onBytes);
    return Result.of(bytes, receiptOf(response.headers, bytes.length, performance.now() - started));
  }

  async tables(): Promise<TableName[]> {
    const { tables } = await this.#tool<{ tables: Record<string, string>[] }>("list_tables", {});
    return tables.map((table) => ({
      schema: table["table_schema"] ?? "",
      name: table["table_name"] ?? "",
      isView: table["table_type"] === "VIEW",
    }));
  }

  async columns(table: TableName): Promise<ColumnInfo[]> {
    const named = { table_name: `${table.schema}.${table.name}` };
    const { columns } = await this.#tool<{ columns: Record<string, string>[] }>("describe_table", named);
    return columns.map((column) => ({
      name: column["name"] ?? "",
      type: column["type"] ?? "",
      masked: column["masked"] ?? null,
    }));
  }

  async usage(): Promise<Usage> {
    return this.#tool<Usage>("get_usage_stats", {});
  }

  async #tool<T>(name: string, args: Record<string, string>): Promise<T> {
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const response = await this.#post("mcp", call, "application/json, text/event-stream", patience);
    if (!response.ok) throw await failureOf(response);
    const answer = await jsonOf(response);
    const result = record(answer["result"]);
    if (result["isError"] === true) throw failureIn(told(result));
    if (!("structuredContent" in result)) throw new Failure("INTERNAL_ERROR", "The answer is not understood");
    return record(result["structuredContent"]) as T;
  }

  async #post(path: string, body: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: accept, "Content-Type": "application/json" };
    if (this.#key !== null) headers["Authorization"] = `Bearer ${this.#key}`;
    try {
      return await fetch(new URL(path, this.#base), {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        ...(signal ? { signal } : {}),
      });
    } catch (fault) {
      throw broken(fault, signal, "The service does not answer");
    }
  }
}

function broken(fault: unknown, signal: AbortSignal | undefined, told: string): Failure {
  if (signal?.aborted && (signal.reason as Error).name === "TimeoutError") {
    return new Failure(NO_CONNECTION, "The service did not answer in time");
  }
  if (signal?.aborted) return new Failure(STOPPED, "You stopped this query");
  return fault instanceof Failure ? fault : new Failure(NO_CONNECTION, told);
}

async function received(
  response: Response,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      parts.push(part.value);
      length += part.value.length;
      onBytes(length);
    }
  } catch (fault) {
    throw broken(fault, signal, BROKEN);
  }
  return joined(parts, length);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function failureOf(response: Response): Promise<Failure> {
  const failure = failureIn(await jsonOf(response));
  const wait = Number(response.headers.get("Retry-After")) || null;
  return new Failure(
    failure.code,
    failure.message,
    failure.queryId ?? response.headers.get("X-Query-Id"),
    wait,
  );
}

function failureIn(content: Record<string, unknown>): Failure {
  const code = String(content["error"] ?? "INTERNAL_ERROR");
  const wait = content["retry_after_seconds"];
  return new Failure(
    code,
    String(content["message"] ?? code),
    content["query_id"] ? String(content["query_id"]) : null,
    typeof wait === "number" ? Math.ceil(wait) : null,
  );
}

/** The error in the answer of a tool, which is text and not structured. */
function told(result: Record<string, unknown>): Record<string, unknown> {
  const [first] = Array.isArray(result["content"]) ? (result["content"] as unknown[]) : [];
  try {
    return record(JSON.parse(String(record(first)["text"])));
  } catch {
    return {};
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch((fault: unknown) => {
    throw broken(fault, undefined, BROKEN);
  });
  try {
    return record(JSON.parse(text));
  } catch {
    throw new Failure(
      NO_CONNECTION,
      `Something that is not HatiData answered with status ${response.status}`,
    );
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function receiptOf(headers: Headers, bytes: number, totalMs: number): Receipt {
  const filters = headers.get("X-Row-Filters");
  return {
    queryId: headers.get("X-Query-Id") ?? "",
    rows: Number(headers.get("X-Row-Count")),
    rowsAffected: Number(headers.get("x-rows-affected")),
    credits: Number(headers.get("X-Credits-Consumed")),
    serverMs: Number(headers.get("X-Duration-Ms")),
    totalMs,
    bytes,
    resultCacheHit: headers.get("X-Result-Cache-Hit") === "true",
    transpileCacheHit: headers.get("X-Transpile-Cache-Hit") === "true",
    rowFilters: filters === null ? [] : filters.split(", ").map(decodeURIComponent),
  };
}
