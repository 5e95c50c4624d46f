/** Results as files. */

import type { Column, Result } from "../result";

const ROWS_AT_ONCE = 5_000;

export function saveArrow(result: Result): void {
  saved(
    new Blob([result.stream], { type: "application/vnd.apache.arrow.stream" }),
    `${fileName(result)}.arrows`,
  );
}

export function saveCsv(result: Result): void {
  const parts = [csvLine(result.columns.map((column) => column.name))];
  for (let from = 0; from < result.rows; from += ROWS_AT_ONCE) {
    parts.push(csvRows(result.columns, from, Math.min(result.rows, from + ROWS_AT_ONCE)));
  }
  saved(new Blob(parts, { type: "text/csv" }), `${fileName(result)}.csv`);
}

function csvRows(columns: readonly Column[], from: number, to: number): string {
  let text = "";
  for (let row = from; row < to; row++) text += csvLine(columns.map((column) => column.text(row)));
  return text;
}

/** NULL is nothing and the empty text is "", as DuckDB and PostgreSQL read them. */
function csvLine(values: readonly (string | null)[]): string {
  const cells = values.map((value) =>
    value === null ? "" : value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value,
  );
  return `${cells.join(",")}\n`;
}

function fileName(result: Result): string {
  return result.receipt.queryId || "result";
}

function saved(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
