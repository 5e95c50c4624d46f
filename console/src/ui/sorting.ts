/** The order of rows under a sort by one column; NULLs last, equal values as they came. */

import type { Column } from "../result";

export interface Sort {
  readonly column: number;
  readonly descending: boolean;
}

/** Above this many rows the engine sorts better than a page: ORDER BY. */
export const MOST_SORTED = 500_000;

export function nextSort(sort: Sort | null, column: number): Sort | null {
  if (sort?.column !== column) return { column, descending: false };
  return sort.descending ? null : { column, descending: true };
}

export function orderBy(column: Column, rows: number, descending: boolean): Uint32Array {
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const direction = descending ? -1 : 1;
  const keys = keysOf(column, rows);
  return order.sort((a, b) => {
    const [left, right] = [keys[a]!, keys[b]!];
    if (left === null || right === null) return Number(left === null) - Number(right === null) || a - b;
    return left < right ? -direction : left > right ? direction : a - b;
  });
}

function keysOf(column: Column, rows: number): (number | string | null)[] {
  const isNumber = column.kind === "number" || column.kind === "time";
  return Array.from({ length: rows }, (_, row) => (isNumber ? column.number(row) : column.text(row)));
}
