/** Axes and marks. Sizes and places are attributes, so the page needs no inline style. */

import { scaleBand, scaleLinear, scalePoint, scaleUtc } from "d3-scale";
import { useState } from "preact/hooks";
import type { Drawing, Mark, Point, Series } from "./chart-data";

interface Props {
  readonly drawing: Drawing;
  readonly mark: Mark;
  readonly title: string;
  readonly width: number;
  readonly height: number;
}

/** Where an x is, how wide its band is, and the ticks of the axis. */
interface Across {
  readonly at: (x: number | string) => number;
  readonly band: number;
  readonly ticks: readonly { readonly x: number; readonly text: string }[];
  readonly tilted: boolean;
}

interface Up {
  readonly at: (y: number) => number;
  readonly zero: number;
  readonly ticks: readonly { readonly y: number; readonly text: string }[];
}

interface Hovered {
  readonly series: string;
  readonly point: Point;
  readonly x: number;
  readonly y: number;
}

const TOP = 12;
const RIGHT = 18;
/** What the first tilted name needs on its left. */
const TILTED_ROOM = 62;
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });
const EXACT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

export function Plot({ drawing, mark, title, width, height }: Props) {
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const tilted = isTilted(drawing, width);
  const bottom = height - (tilted ? 78 : 30);
  const up = upward(drawing, mark, bottom);
  const left = Math.max(
    14 + Math.max(...up.ticks.map((tick) => tick.text.length), 2) * 7,
    tilted ? TILTED_ROOM : 0,
  );
  const across = sideways(drawing, mark, left, width - RIGHT, tilted);
  const points = drawing.series.reduce((sum, series) => sum + series.points.length, 0);
  return (
    <svg
      width={width}
      height={height}
      role="img"
      aria-label={`Chart: ${title}, ${points} points`}
      onMouseLeave={() => setHovered(null)}
    >
      <YAxis up={up} left={left} right={width - RIGHT} />
      <XAxis across={across} bottom={bottom} left={left} right={width - RIGHT} />
      {drawing.series.map((series, at) => (
        <Marks
          key={series.name}
          series={series}
          at={at}
          of={drawing.series.length}
          mark={mark}
          across={across}
          up={up}
          onHover={(point, x, y) => setHovered({ series: series.name, point, x, y })}
        />
      ))}
      {hovered && (
        <Hint hovered={hovered} scale={drawing.scale} width={width} named={drawing.series.length > 1} />
      )}
    </svg>
  );
}

function isTilted(drawing: Drawing, width: number): boolean {
  const names = drawing.scale === "names" ? namesOf(drawing) : [];
  const room = (width - 80) / Math.max(1, names.length);
  return names.some((name) => Math.min(name.length, 18) * 6.6 > room);
}

function namesOf(drawing: Drawing): string[] {
  return [...new Set(drawing.series.flatMap((series) => series.points.map((point) => String(point.x))))];
}

function upward(drawing: Drawing, mark: Mark, bottom: number): Up {
  let [low, high] = [Infinity, -Infinity];
  for (const { points } of drawing.series) {
    for (const { y } of points) [low, high] = [Math.min(low, y), Math.max(high, y)];
  }
  if (low > high) [low, high] = [0, 1];
  if (mark === "bar" || (low > 0 && low < high / 3)) low = Math.min(0, low);
  if (mark === "bar") high = Math.max(0, high);
  if (low === high) [low, high] = [low - 1, high + 1];
  const scale = scaleLinear([low, high], [bottom, TOP]).nice();
  const ticks = scale.ticks(Math.max(2, Math.floor(bottom / 52)));
  return { at: scale, zero: scale(0), ticks: ticks.map((y) => ({ y: scale(y), text: COMPACT.format(y) })) };
}

function sideways(drawing: Drawing, mark: Mark, left: number, right: number, tilted: boolean): Across {
  if (drawing.scale === "names") return overNames(drawing, mark, left, right, tilted);
  const values = drawing.series.flatMap((series) => series.points.map((point) => Number(point.x)));
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [0, 1];
  const room = Math.max(2, Math.floor((right - left) / 96));
  if (drawing.scale === "time") {
    const scale = scaleUtc([low, high === low ? low + 1 : high], [left, right]);
    const text = scale.tickFormat(room);
    const ticks = scale.ticks(room).map((moment) => ({ x: scale(moment), text: text(moment) }));
    return { at: (x) => scale(Number(x)), band: 0, ticks, tilted: false };
  }
  const scale = scaleLinear([low, high === low ? low + 1 : high], [left, right]).nice();
  const ticks = scale.ticks(room).map((x) => ({ x: scale(x), text: COMPACT.format(x) }));
  return { at: (x) => scale(Number(x)), band: 0, ticks, tilted: false };
}

function overNames(drawing: Drawing, mark: Mark, left: number, right: number, tilted: boolean): Across {
  const names = namesOf(drawing);
  const bars = scaleBand(names, [left, right]).padding(0.22);
  const points = scalePoint(names, [left, right]).padding(0.5);
  const at = (x: number | string) =>
    mark === "bar" ? bars(String(x))! + bars.bandwidth() / 2 : points(String(x))!;
  const every = Math.max(1, Math.ceil((names.length * 15) / (right - left)));
  const shown = names.filter((_, place) => place % every === 0);
  const cut = (name: string) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
  return {
    at,
    band: bars.bandwidth(),
    ticks: shown.map((name) => ({ x: at(name), text: cut(name) })),
    tilted,
  };
}

function YAxis({ up, left, right }: { up: Up; left: number; right: number }) {
  return (
    <g class="axis">
      {up.ticks.map(({ y, text }) => (
        <g key={y}>
          <line class="grid-line" x1={left} x2={right} y1={y} y2={y} />
          <text x={left - 8} y={y + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
    </g>
  );
}

function XAxis({
  across,
  bottom,
  left,
  right,
}: {
  across: Across;
  bottom: number;
  left: number;
  right: number;
}) {
  return (
    <g class="axis">
      <line class="base-line" x1={left} x2={right} y1={bottom} y2={bottom} />
      {across.ticks.map(({ x, text }) => (
        <text
          key={x}
          x={x}
          y={bottom + 18}
          text-anchor={across.tilted ? "end" : "middle"}
          transform={across.tilted ? `rotate(-38 ${x} ${bottom + 12})` : undefined}
        >
          {text}
        </text>
      ))}
    </g>
  );
}

interface MarksProps {
  readonly series: Series;
  readonly at: number;
  readonly of: number;
  readonly mark: Mark;
  readonly across: Across;
  readonly up: Up;
  readonly onHover: (point: Point, x: number, y: number) => void;
}

function Marks(props: MarksProps) {
  if (props.mark === "bar") return <Bars {...props} />;
  const { series, at, mark, across, up } = props;
  const path = series.points.map(
    ({ x, y }, place) => `${place ? "L" : "M"}${across.at(x).toFixed(1)} ${up.at(y).toFixed(1)}`,
  );
  const isLine = mark === "line";
  const hasDots = !isLine || series.points.length <= 80;
  return (
    <g class={`series-${at}`} onMouseMove={(event) => near(event, props)}>
      {isLine && <path class="line" d={path.join("")} />}
      {isLine && <path class="line-target" d={path.join("")} />}
      {hasDots &&
        series.points.map(({ x, y }, place) => (
          <circle key={place} class="dot" cx={across.at(x)} cy={up.at(y)} r={isLine ? 2.6 : 3} />
        ))}
    </g>
  );
}

/** Tell of the point of the series that is nearest to the pointer. */
function near(event: MouseEvent, { series, across, up, onHover }: MarksProps) {
  const box = (event.currentTarget as SVGGElement).ownerSVGElement!.getBoundingClientRect();
  const [left, top] = [event.clientX - box.left, event.clientY - box.top];
  let found: [number, Point, number, number] | null = null;
  for (const point of series.points) {
    const [x, y] = [across.at(point.x), up.at(point.y)];
    const distance = (x - left) ** 2 + (y - top) ** 2;
    if (found === null || distance < found[0]) found = [distance, point, x, y];
  }
  if (found !== null) onHover(found[1], found[2], found[3]);
}

function Bars({ series, at, of, across, up, onHover }: MarksProps) {
  const width = Math.max(1, across.band / of);
  return (
    <g class={`series-${at}`}>
      {series.points.map((point) => {
        const left = across.at(point.x) - across.band / 2 + at * width;
        const top = Math.min(up.at(point.y), up.zero);
        const height = Math.max(1, Math.abs(up.at(point.y) - up.zero));
        return (
          <rect
            key={point.x}
            class="bar"
            x={left}
            y={top}
            width={Math.max(1, width - (of > 1 ? 1 : 0))}
            height={height}
            rx={Math.min(3, width / 4)}
            onMouseMove={() => onHover(point, left + width / 2, top)}
          />
        );
      })}
    </g>
  );
}

function Hint(props: { hovered: Hovered; scale: Drawing["scale"]; width: number; named: boolean }) {
  const { hovered, scale, width } = props;
  const place = scale === "time" ? momentText(Number(hovered.point.x)) : String(hovered.point.x);
  const lines = [...(props.named ? [hovered.series] : []), place.slice(0, 40), EXACT.format(hovered.point.y)];
  const wide = Math.max(...lines.map((line) => line.length)) * 7 + 20;
  const x = Math.min(Math.max(4, hovered.x - wide / 2), width - wide - 4);
  const y = Math.max(4, hovered.y - lines.length * 17 - 18);
  return (
    <g class="hint" pointer-events="none">
      <rect x={x} y={y} width={wide} height={lines.length * 17 + 10} rx={6} />
      {lines.map((line, at) => (
        <text key={at} class={at === lines.length - 1 ? "strong" : ""} x={x + 10} y={y + 18 + at * 17}>
          {line}
        </text>
      ))}
    </g>
  );
}

function momentText(moment: number): string {
  const text = new Date(moment)
    .toISOString()
    .replace("T", " ")
    .replace(/\.?0*Z$/, "");
  return text.endsWith(" 00:00:00") ? text.slice(0, 10) : text;
}
