/** What went wrong, in the words of the service where it had any. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly queryId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** Codes that only the console has: the service was not there to give one. */
export const NO_CONNECTION = "NO_CONNECTION";
export const STOPPED = "QUERY_CANCELLED";

const ADVICE: Readonly<Record<string, string>> = {
  QUERY_TIMEOUT: "Give it more time with the time limit beside Run, or ask for less.",
  RESULT_TOO_LARGE: "Add LIMIT, choose fewer columns, or fetch it as Parquet with hati query -o.",
  UNAUTHORIZED: "The key is wrong, expired or revoked.",
  POLICY_DENIED: "The policies do not permit this for your key.",
  QUOTA_EXCEEDED: "The credits of this month are used up.",
  SERVICE_UNAVAILABLE: "The service is starting, stopping or has too much to do. Try again in a moment.",
  INTERNAL_ERROR: "A defect of the service. Its log has the reason under the query id.",
  NO_CONNECTION: "See whether the service runs: hati status.",
};

export function adviceFor(failure: Failure): string | null {
  if (failure.retryAfter !== null && failure.code === "RATE_LIMITED") {
    return `Try again in ${failure.retryAfter} s.`;
  }
  return ADVICE[failure.code] ?? null;
}
