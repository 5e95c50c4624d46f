// What a chart draws, how rows are sorted, and where rows and columns are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepared } from "./sources.mjs";

const TABLES = {
  sales: `pa.table({
    "sale_id": [1, 2, 3, 4, 5],
    "region": ["north", "south", None, "north", "south"],
    "note": ["a", "b", "c", "d", "e"],
    "revenue": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.00"), decimal.Decimal("4.00"), None, decimal.Decimal("8.25")]),
  })`,
  times: `pa.table({
    "day": pa.array([0, 1, 1, 2], pa.int32()).cast(pa.date32()), "value": [1.0, 2.0, 3.0, float("nan")],
  })`,
  texts: `pa.table({"name": ["a", "b"], "when": ["x", "y"]})`,
  numbers: `pa.table({"a": [1, 2], "b": [3, 4]})`,
  empty: `pa.table({"a": pa.array([], pa.int64())})`,
  long: `pa.table({"x": list(range(100_000)), "y": [7 if i == 54_321 else -7 if i == 4 else i % 3 for i in range(100_000)]})`,
  many: `pa.table({"name": [f"n{i}" for i in range(300)], "split": [f"s{i % 20}" for i in range(300)], "size": list(range(300))})`,
  order: `pa.table({"n": [3, None, 1, 3, 2], "s": ["b", "B", None, "a", "c"], "at": list(range(5))})`,
};

let console_;

before(async () => {
  console_ = await prepared(
    ["result", "ui/chart-data", "ui/sorting", "ui/grid-geometry"],
    TABLES,
  );
});

after(() => console_?.remove());

function drawing(name, changes) {
  const result = console_.result(name);
  const choice = { ...console_.firstChoice(result), ...changes };
  return console_.drawingOf(result, choice);
}

function points(series) {
  return series.points.map(({ x, y }) => [x, y]);
}

test("the first chart is of what is worth seeing: no ids, times as a line, few names as bars", () => {
  const first = (name) => {
    const result = console_.result(name);
    const choice = console_.firstChoice(result);
    return (
      choice && [
        choice.mark,
        result.columns[choice.x].name,
        result.columns[choice.y].name,
      ]
    );
  };

  assert.deepEqual(first("sales"), ["bar", "region", "revenue"]);
  assert.deepEqual(first("times"), ["line", "day", "value"]);
  assert.deepEqual(first("numbers"), ["dots", "b", "a"]);
  assert.equal(first("texts"), null);
  assert.equal(first("empty"), null);
});

test("bars sum decimals, leave NULLs out of values, and keep NULL as a name", () => {
  assert.deepEqual(points(drawing("sales").series[0]), [
    ["north", 1.5],
    ["south", 10.25],
    ["NULL", 4],
  ]);
  assert.deepEqual(
    points(drawing("sales", { together: "mean" }).series[0]).at(1),
    ["south", 5.125],
  );
  assert.deepEqual(
    points(drawing("sales", { together: "count" }).series[0]).at(0),
    ["north", 2],
  );
  assert.deepEqual(
    points(drawing("sales", { together: "max" }).series[0]).at(1),
    ["south", 8.25],
  );
});

test("a line puts equal moments together, in order, without what is no number", () => {
  assert.deepEqual(points(drawing("times").series[0]), [
    [0, 1],
    [86_400_000, 5],
  ]);
});

test("a long line keeps its extremes", () => {
  const { series } = drawing("long", { mark: "line", x: 0, y: 1 });
  const values = series[0].points.map(({ y }) => y);

  assert.ok(series[0].points.length <= 1_500);
  assert.ok(values.includes(7) && values.includes(-7));
});

test("dots are thinned evenly, and it is said so", () => {
  const { series, notes } = drawing("long", { mark: "dots", x: 0, y: 1 });

  assert.equal(series[0].points.length, 4_000);
  assert.deepEqual(notes, ["Every 25th row."]);
});

test("of too many names and series the largest stay, and it is said so", () => {
  const bars = drawing("many", { x: 0, y: 2 });
  const split = drawing("many", { mark: "line", x: 2, y: 2, split: 1 });

  assert.equal(bars.series[0].points.length, 40);
  assert.ok(bars.series[0].points.every(({ y }) => y >= 260));
  assert.deepEqual(bars.notes, ["The 40 largest of 300 values."]);
  assert.equal(split.series.length, 8);
  assert.ok(split.series.some(({ name }) => name === "s19"));
  assert.deepEqual(split.notes, ["The 8 largest of 20 series."]);
});

test("sorting is stable, and NULLs come last both ways", () => {
  const { columns, rows } = console_.result("order");
  const sorted = (column, descending) =>
    Array.from(console_.orderBy(columns[column], rows, descending));

  assert.deepEqual(sorted(0, false), [2, 4, 0, 3, 1]);
  assert.deepEqual(sorted(0, true), [0, 3, 4, 2, 1]);
  assert.deepEqual(sorted(1, false), [1, 3, 0, 4, 2]);
});

test("every row can be brought into view, however many there are", () => {
  const view = 300;
  for (const rows of [1, 10, 100_000, 5_000_000]) {
    for (const row of [0, Math.floor(rows / 3), rows - 1]) {
      const top = console_.revealing(row, 0, rows, view);
      const slice = console_.rowsInView(top, rows, view, 2);

      assert.ok(
        slice.first <= row && row < slice.last,
        `row ${row} of ${rows}`,
      );
      assert.ok(slice.last - slice.first < 20);
      assert.ok(
        top >= 0 && top <= Math.max(0, console_.areaHeight(rows) - view),
      );
    }
  }
});

test("only the columns in view are drawn", () => {
  const edges = console_.edgesOf([100, 200, 50, 300]);

  assert.deepEqual(edges, [0, 100, 300, 350, 650]);
  assert.deepEqual(console_.columnsInView(edges, 0, 90), [0, 1]);
  assert.deepEqual(console_.columnsInView(edges, 120, 310), [1, 3]);
  assert.deepEqual(console_.columnsInView(edges, 340, 2_000), [2, 4]);
  assert.deepEqual(console_.columnsInView([0], 0, 500), [0, 0]);
});
