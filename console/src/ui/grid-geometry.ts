/** Where rows and columns are. Browsers cannot scroll over more than some ten million pixels: above, it is scaled. */

import { SHORT } from "../arrow/cells";
import type { Column } from "../result";

export const ROW = 28;
export const HEAD = 46;
const TALLEST = 8_000_000;
const CHARACTER = 7.6;
const PADDING = 26;
const NARROWEST = 72;
const WIDEST = 340;
const SAMPLE = 60;

export function px(length: number): string {
  return `${length}px`;
}

/** What of `rows` rows is in view. */
export interface Slice {
  readonly first: number;
  readonly last: number;
  /** Where the first of them stands in the scrolled area. */
  readonly top: number;
}

export function areaHeight(rows: number): number {
  return Math.min(rows * ROW, TALLEST);
}

/** The pixels of real rows above the view, for a scrolled area that may be scaled. */
export function realTop(scrollTop: number, rows: number, view: number): number {
  const most = areaHeight(rows) - view;
  return most <= 0 ? 0 : (Math.min(scrollTop, most) / most) * (rows * ROW - view);
}

export function scrollTopFor(real: number, rows: number, view: number): number {
  const most = rows * ROW - view;
  return most <= 0 ? 0 : (Math.min(Math.max(0, real), most) / most) * (areaHeight(rows) - view);
}

export function rowsInView(scrollTop: number, rows: number, view: number, over: number): Slice {
  const real = realTop(scrollTop, rows, view);
  const first = Math.max(0, Math.floor(real / ROW) - over);
  const last = Math.min(rows, Math.ceil((real + view) / ROW) + over);
  return { first, last, top: scrollTop - (real - first * ROW) };
}

/** The scroll position at which *row* is wholly in view, as near to the present one as can be. */
export function revealing(row: number, scrollTop: number, rows: number, view: number): number {
  const real = realTop(scrollTop, rows, view);
  if (row * ROW < real) return scrollTopFor(row * ROW, rows, view);
  if ((row + 1) * ROW > real + view) return scrollTopFor((row + 1) * ROW - view, rows, view);
  return scrollTop;
}

/** Widths by what the first rows hold. */
export function widthsOf(columns: readonly Column[], rows: number): number[] {
  return columns.map((column) => {
    let longest = Math.max(column.name.length + (column.masked ? 3 : 0), headNote(column).length * 0.85, 4);
    for (let row = 0; row < Math.min(rows, SAMPLE); row++) {
      longest = Math.max(longest, Math.min(80, column.text(row, SHORT)?.length ?? 4));
    }
    return Math.round(Math.min(WIDEST, Math.max(NARROWEST, longest * CHARACTER + PADDING)));
  });
}

function headNote(column: Column): string {
  return (column.masked ? `masked: ${column.masked} ` : "") + column.type.slice(0, 24);
}

/** Left edges of the columns, and behind the last its right edge. */
export function edgesOf(widths: readonly number[]): number[] {
  const edges = [0];
  for (const width of widths) edges.push(edges[edges.length - 1]! + width);
  return edges;
}

export function columnsInView(edges: readonly number[], left: number, right: number): [number, number] {
  const first = edges.findIndex((edge) => edge > left) - 1;
  const last = edges.findIndex((edge) => edge >= right);
  return [Math.max(0, first < -1 ? edges.length - 2 : first), last === -1 ? edges.length - 1 : last];
}
