/** The one query that runs, and what came of the last one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../failure";
import { Result } from "../result";

export interface Running {
  readonly started: number;
  readonly bytes: number;
}

type Work = (signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<Result>;

/** One query at a time; leaving the page or signing out stops it. */
export function useRunning() {
  const [now, setNow] = useState<Running | null>(null);
  const [outcome, setOutcome] = useState<Result | Failure | null>(null);
  const controller = useRef<AbortController | null>(null);
  const left = useRef(false);
  useEffect(
    () => () => {
      left.current = true;
      controller.current?.abort();
    },
    [],
  );

  async function start(work: Work): Promise<Result | Failure | null> {
    controller.current = new AbortController();
    const started = performance.now();
    setNow({ started, bytes: 0 });
    const found = await work(controller.current.signal, (bytes) => setNow({ started, bytes })).catch(
      asFailure,
    );
    if (left.current) return null;
    setNow(null);
    setOutcome(found);
    return found;
  }
  return { now, outcome, start, stop: () => controller.current?.abort() };
}

export function asFailure(fault: unknown): Failure {
  return fault instanceof Failure
    ? fault
    : new Failure("CONSOLE_ERROR", `The console failed: ${String(fault)}`);
}
