/** A chart of the result as plain SVG; the table beside it is its text for those who cannot see it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Result } from "../result";
import {
  drawingOf,
  firstChoice,
  numericColumns,
  type Choice,
  type Drawing,
  type Mark,
  type Together,
} from "./chart-data";
import { Plot } from "./chart-plot";

const MARKS: readonly [Mark, string][] = [
  ["bar", "Bars"],
  ["line", "Line"],
  ["dots", "Dots"],
];
const TOGETHER: readonly [Together, string][] = [
  ["sum", "Sum of"],
  ["mean", "Mean of"],
  ["min", "Least"],
  ["max", "Greatest"],
  ["count", "Count of rows"],
];

export function Chart({ result }: { result: Result }) {
  const [choice, setChoice] = useState(() => firstChoice(result));
  const drawing = useMemo(() => (choice === null ? null : drawingOf(result, choice)), [result, choice]);
  if (choice === null || drawing === null) {
    return <p class="empty quiet">A chart needs at least one row and one column of numbers.</p>;
  }
  const title = titleOf(result, choice);
  return (
    <div class="chart">
      <ChartChoices result={result} choice={choice} onChange={setChoice} />
      <Sized drawing={drawing} mark={choice.mark} title={title} />
      <div class="chart-foot">
        <Legend drawing={drawing} split={choice.split !== null} />
        <span class="quiet small">{drawing.notes.join(" ")}</span>
      </div>
    </div>
  );
}

function titleOf(result: Result, choice: Choice): string {
  const [x, y] = [result.columns[choice.x]!.name, result.columns[choice.y]!.name];
  if (choice.mark === "dots") return `${y} against ${x}`;
  const what = choice.together === "count" ? "count of rows" : `${choice.together} of ${y}`;
  return `${what} by ${x}`;
}

/** The plot, as large as there is room. */
function Sized({ drawing, mark, title }: { drawing: Drawing; mark: Mark; title: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useEffect(() => {
    const measure = () =>
      place.current && setSize({ width: place.current.clientWidth, height: place.current.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(place.current!);
    measure();
    return () => observer.disconnect();
  }, []);
  const isRoom = size !== null && size.width > 80 && size.height > 60;
  return (
    <div class="plot" ref={place}>
      {isRoom && <Plot drawing={drawing} mark={mark} title={title} {...size} />}
    </div>
  );
}

function Legend({ drawing, split }: { drawing: Drawing; split: boolean }) {
  if (!split) return null;
  return (
    <ul class="legend" aria-label="Series">
      {drawing.series.map((series, at) => (
        <li key={series.name}>
          <span class={`swatch series-${at}`} />
          {series.name}
        </li>
      ))}
    </ul>
  );
}

interface ChoicesProps {
  readonly result: Result;
  readonly choice: Choice;
  readonly onChange: (choice: Choice) => void;
}

function ChartChoices({ result, choice, onChange }: ChoicesProps) {
  const every = result.columns.map((column, at) => [String(at), column.name] as const);
  const numbers = numericColumns(result).map((at) => [String(at), result.columns[at]!.name] as const);
  const isDots = choice.mark === "dots";
  return (
    <div class="chart-choices">
      <div class="tabs" role="group" aria-label="Form of the chart">
        {MARKS.map(([mark, label]) => (
          <button
            key={mark}
            type="button"
            aria-pressed={choice.mark === mark}
            onClick={() => onChange({ ...choice, mark })}
          >
            {label}
          </button>
        ))}
      </div>
      {!isDots && (
        <Pick
          label="Put together as"
          value={choice.together}
          options={TOGETHER}
          onPick={(together) => onChange({ ...choice, together: together as Together })}
        />
      )}
      {(isDots || choice.together !== "count") && (
        <Pick
          label="Values"
          value={String(choice.y)}
          options={numbers}
          onPick={(y) => onChange({ ...choice, y: Number(y) })}
        />
      )}
      <Pick
        label="by"
        shown
        value={String(choice.x)}
        options={every}
        onPick={(x) => onChange({ ...choice, x: Number(x) })}
      />
      <Pick
        label="split by"
        shown
        value={choice.split === null ? "" : String(choice.split)}
        options={[["", "nothing"], ...every]}
        onPick={(split) => onChange({ ...choice, split: split === "" ? null : Number(split) })}
      />
    </div>
  );
}

interface PickProps {
  readonly label: string;
  readonly shown?: boolean;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onPick: (value: string) => void;
}

function Pick({ label, shown = false, value, options, onPick }: PickProps) {
  return (
    <label class="pick">
      <span class={shown ? "quiet small" : "offscreen"}>{label}</span>
      <select aria-label={label} value={value} onChange={(event) => onPick(event.currentTarget.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
