/** From a result to what a chart draws: which columns, put together how, and at most as much as can be seen. */

import type { Column, Result } from "../result";

export type Mark = "bar" | "line" | "dots";
export type Together = "sum" | "mean" | "min" | "max" | "count";

export interface Choice {
  readonly mark: Mark;
  readonly x: number;
  readonly y: number;
  readonly split: number | null;
  readonly together: Together;
}

export interface Point {
  readonly x: number | string;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Drawing {
  readonly series: readonly Series[];
  /** Whether x is a moment, a number, or one of some names. */
  readonly scale: "time" | "number" | "names";
  readonly notes: readonly string[];
}

export const MOST_SERIES = 8;
const MOST_BARS = 40;
const MOST_POINTS = 1_500;
const MOST_DOTS = 4_000;

export function numericColumns(result: Result): number[] {
  return indexes(result, (column) => column.kind === "number");
}

/** A guess at what is worth seeing, or null for a result without numbers. */
export function firstChoice(result: Result): Choice | null {
  const numbers = numericColumns(result);
  if (numbers.length === 0 || result.rows === 0) return null;
  const times = indexes(result, (column) => column.kind === "time");
  const names = indexes(result, (column) => column.kind === "text" || column.kind === "boolean");
  const isId = (at: number) => /(^|_)id$/i.test(result.columns[at]!.name);
  const values = numbers.filter((at) => !isId(at));
  const others = numbers.filter((at) => at !== (values[0] ?? numbers[0]));
  const x = times[0] ?? fewest(result, names) ?? others[0] ?? numbers[0]!;
  const y = values.find((at) => at !== x) ?? numbers.find((at) => at !== x) ?? x;
  const mark = times.length > 0 ? "line" : names.length > 0 ? "bar" : "dots";
  return { mark, x, y, split: null, together: "sum" };
}

function indexes(result: Result, fits: (column: Column) => boolean): number[] {
  return result.columns.flatMap((column, at) => (fits(column) ? [at] : []));
}

/** The column with the fewest different values in the first rows, but more than one: it makes the best bars. */
function fewest(result: Result, columns: readonly number[]): number | undefined {
  const sample = Math.min(result.rows, 500);
  const different = (at: number) =>
    new Set(Array.from({ length: sample }, (_, row) => result.columns[at]!.text(row))).size;
  const counted = columns.map((at) => [different(at), at] as const);
  return counted.sort(([a], [b]) => Number(a === 1) - Number(b === 1) || a - b)[0]?.[1];
}

export function drawingOf(result: Result, choice: Choice): Drawing {
  const x = result.columns[choice.x]!;
  const scale =
    choice.mark === "bar" ? "names" : x.kind === "time" ? "time" : x.kind === "number" ? "number" : "names";
  if (choice.mark === "dots" && scale !== "names") return dots(result, choice, scale);
  const groups = grouped(result, choice, scale);
  const notes: string[] = [];
  const kept = keptSeries(groups, notes);
  const places = scale === "names" ? keptNames(kept, choice.mark, notes) : null;
  const series = kept.map(([name, cells]) => ({ name, points: pointsOf(cells, choice.together, places) }));
  return { series: scale === "names" ? series : series.map(thinned), scale, notes };
}

type Cells = Map<number | string, Gathered>;

interface Gathered {
  sum: number;
  count: number;
  min: number;
  max: number;
}

function grouped(result: Result, choice: Choice, scale: Drawing["scale"]): Map<string, Cells> {
  const [x, y] = [result.columns[choice.x]!, result.columns[choice.y]!];
  const split = choice.split === null ? null : result.columns[choice.split]!;
  const groups = new Map<string, Cells>();
  for (let row = 0; row < result.rows; row++) {
    const value = choice.together === "count" ? 1 : y.number(row);
    const place = scale === "names" ? (x.text(row) ?? "NULL") : x.number(row);
    if (value === null || place === null) continue;
    const name = split === null ? y.name : (split.text(row) ?? "NULL");
    let cells = groups.get(name);
    if (cells === undefined) groups.set(name, (cells = new Map()));
    gather(cells, place, value);
  }
  return groups;
}

function gather(cells: Cells, place: number | string, value: number): void {
  const cell = cells.get(place);
  if (cell === undefined) {
    cells.set(place, { sum: value, count: 1, min: value, max: value });
    return;
  }
  cell.sum += value;
  cell.count += 1;
  cell.min = Math.min(cell.min, value);
  cell.max = Math.max(cell.max, value);
}

function value(cell: Gathered, together: Together): number {
  return together === "mean" ? cell.sum / cell.count : cell[together];
}

function keptSeries(groups: Map<string, Cells>, notes: string[]): [string, Cells][] {
  const ranked = [...groups].sort(([, a], [, b]) => total(b) - total(a));
  if (ranked.length > MOST_SERIES) notes.push(`The ${MOST_SERIES} largest of ${ranked.length} series.`);
  return ranked.slice(0, MOST_SERIES);
}

function total(cells: Cells): number {
  let sum = 0;
  for (const cell of cells.values()) sum += Math.abs(cell.sum);
  return sum;
}

/** The names along the axis, in the order of the result; the largest ones if there are too many. */
function keptNames(series: readonly [string, Cells][], mark: Mark, notes: string[]): (number | string)[] {
  const sizes = new Map<number | string, number>();
  for (const [, cells] of series) {
    for (const [place, cell] of cells) sizes.set(place, (sizes.get(place) ?? 0) + Math.abs(cell.sum));
  }
  const most = mark === "line" ? MOST_POINTS : MOST_BARS;
  const names = [...sizes.keys()];
  if (names.length <= most) return names;
  notes.push(`The ${most} largest of ${names.length} values.`);
  return names.sort((a, b) => sizes.get(b)! - sizes.get(a)!).slice(0, most);
}

function pointsOf(cells: Cells, together: Together, places: readonly (number | string)[] | null): Point[] {
  if (places === null) {
    const points = [...cells].map(([x, cell]) => ({ x, y: value(cell, together) }));
    return points.sort((a, b) => Number(a.x) - Number(b.x));
  }
  return places.flatMap((x) => {
    const cell = cells.get(x);
    return cell === undefined ? [] : [{ x, y: value(cell, together) }];
  });
}

/** The least and the greatest of each stretch of a long line: what it looks like stays. */
function thinned(series: Series): Series {
  const { points } = series;
  if (points.length <= MOST_POINTS) return series;
  const size = Math.ceil(points.length / (MOST_POINTS / 2));
  const kept: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    const low = part.reduce((a, b) => (b.y < a.y ? b : a));
    const high = part.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low === high ? [low] : Number(low.x) < Number(high.x) ? [low, high] : [high, low]));
  }
  return { name: series.name, points: kept };
}

function dots(result: Result, choice: Choice, scale: Drawing["scale"]): Drawing {
  const [x, y] = [result.columns[choice.x]!, result.columns[choice.y]!];
  const split = choice.split === null ? null : result.columns[choice.split]!;
  const step = Math.max(1, Math.ceil(result.rows / MOST_DOTS));
  const groups = new Map<string, Point[]>();
  for (let row = 0; row < result.rows; row += step) {
    const [left, up] = [x.number(row), y.number(row)];
    if (left === null || up === null) continue;
    const name = split === null ? y.name : (split.text(row) ?? "NULL");
    const points = groups.get(name);
    if (points === undefined) groups.set(name, [{ x: left, y: up }]);
    else points.push({ x: left, y: up });
  }
  const ranked = [...groups].sort(([, a], [, b]) => b.length - a.length);
  const notes = step > 1 ? [`Every ${step}th row.`] : [];
  if (ranked.length > MOST_SERIES) notes.push(`The ${MOST_SERIES} largest of ${ranked.length} series.`);
  return { series: ranked.slice(0, MOST_SERIES).map(([name, points]) => ({ name, points })), scale, notes };
}
