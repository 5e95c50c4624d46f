/** What stands below the editor: run or cancel, time limit, dialect. */

import { Icon } from "./icons";
import { Elapsed } from "./recent";
import type { Running } from "./running";

export interface Options {
  readonly timeoutMs: number;
  readonly dialect: string;
}

interface Props {
  readonly now: Running | null;
  readonly options: Options;
  readonly onOptions: (options: Options) => void;
  readonly onRun: () => void;
  readonly onStop: () => void;
}

const TIME_LIMITS: readonly [number, string][] = [
  [30_000, "30 s"],
  [120_000, "2 min"],
  [300_000, "5 min"],
];
const DIALECTS: readonly [string, string][] = [
  ["auto", "Any dialect"],
  ["duckdb", "DuckDB"],
  ["snowflake", "Snowflake"],
];

export function Toolbar({ now, options, onOptions, onRun, onStop }: Props) {
  return (
    <div class="toolbar">
      {now === null ? (
        <button type="button" class="primary" onClick={onRun}>
          <Icon name="play" /> Run <kbd>Ctrl ⏎</kbd>
        </button>
      ) : (
        <button type="button" class="stop" onClick={onStop}>
          <Icon name="stop" /> Cancel <Elapsed start={now.started} />
        </button>
      )}
      <Choice
        label="Time limit"
        value={String(options.timeoutMs)}
        options={TIME_LIMITS}
        onChange={(value) => onOptions({ ...options, timeoutMs: Number(value) })}
      />
      <Choice
        label="Dialect"
        value={options.dialect}
        options={DIALECTS}
        onChange={(dialect) => onOptions({ ...options, dialect })}
      />
    </div>
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: readonly (readonly [string | number, string])[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      aria-label={props.label}
      title={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    >
      {props.options.map(([value, name]) => (
        <option key={value} value={String(value)}>
          {name}
        </option>
      ))}
    </select>
  );
}
