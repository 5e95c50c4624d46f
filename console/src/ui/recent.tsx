/** The queries of this session; they are forgotten when it ends. */

import { useEffect, useState } from "preact/hooks";
import { Failure } from "../failure";
import { Result } from "../result";
import { Icon } from "./icons";
import { counted, milliseconds } from "./numbers";

export interface Entry {
  readonly id: number;
  readonly sql: string;
  readonly at: Date;
  readonly outcome: string;
  readonly failed: boolean;
}

const MOST = 200;

export function remembered(
  entries: readonly Entry[],
  sql: string,
  outcome: Result | Failure,
): readonly Entry[] {
  const failed = outcome instanceof Failure;
  const entry = {
    id: (entries[0]?.id ?? 0) + 1,
    sql,
    at: new Date(),
    outcome: failed
      ? outcome.code
      : `${counted(outcome.rows, "row")} · ${milliseconds(outcome.receipt.serverMs)}`,
    failed,
  };
  return [entry, ...entries].slice(0, MOST);
}

export function RecentQueries({
  entries,
  onPick,
}: {
  entries: readonly Entry[];
  onPick: (sql: string) => void;
}) {
  if (entries.length === 0) {
    return <p class="quiet small pad">What you run is listed here until you sign out.</p>;
  }
  return (
    <ol class="recent" aria-label="Recent queries">
      {entries.map((entry) => (
        <li key={entry.id}>
          <button type="button" title="Put it into the editor" onClick={() => onPick(entry.sql)}>
            <code>{entry.sql.replace(/\s+/g, " ").trim().slice(0, 200)}</code>
            <span class={entry.failed ? "small bad-text" : "small quiet"}>
              <Icon name={entry.failed ? "close" : "check"} />
              {entry.outcome} · <Clock time={entry.at} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function Clock({ time }: { time: Date }) {
  return <time dateTime={time.toISOString()}>{time.toLocaleTimeString("en-GB")}</time>;
}

/** Seconds since *start*, counted while it is shown. */
export function Elapsed({ start }: { start: number }) {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return <span class="elapsed">{(Math.max(0, now - start) / 1_000).toFixed(1)} s</span>;
}
