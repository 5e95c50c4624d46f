// What cells say, for Arrow types that DuckDB does not send but other engines do, and for the edges of all of them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepared } from "./sources.mjs";

let console_;

/** What is read, as pyarrow makes it. */
const TABLES = {
  integers: `pa.table({
    "big": pa.array([9223372036854775807, -9223372036854775808, None], pa.int64()),
    "unsigned": pa.array([18446744073709551615, 0, None], pa.uint64()),
    "money": pa.array([decimal.Decimal("-0.05"), decimal.Decimal("1234567890.10"), None], pa.decimal128(12, 2)),
    "huge": pa.array([decimal.Decimal("-" + "9" * 70 + ".123456"), decimal.Decimal("0.000001"), None], pa.decimal256(76, 6)),
  })`,
  moments: `pa.table({
    "plain": pa.array([1771410600123456, -1, None], pa.timestamp("us")),
    "nanoseconds": pa.array([1767225600123456789, 0, None], pa.timestamp("ns")),
    "berlin": pa.array([1771410600000000, 1782901800000000, None], pa.timestamp("us", "Europe/Berlin")),
    "kolkata": pa.array([1771410600, 0, None], pa.timestamp("s", "Asia/Kolkata")),
    "offset": pa.array([1771410600, 0, None], pa.timestamp("s", "-03:30")),
    "utc": pa.array([9223372036854775807, 0, None], pa.timestamp("us", "UTC")),
  })`,
  dates: `pa.table({
    "day": pa.array([0, -719528, 2932896, 2147483647], pa.int32()).cast(pa.date32()),
    "milliseconds": pa.array([86400000, -86400000, 0, None], pa.int64()).cast(pa.date64()),
    "clock": pa.array([3723500000, 0, 86399999999, None], pa.time64("us")),
    "seconds": pa.array([3723, 0, 86399, None], pa.time32("s")),
    "duration": pa.array([-1500, 90061001, 0, None], pa.duration("ms")),
    "interval": pa.array([(14, -1, 3600000000000), (0, 0, 0), (-1, 2, -500000000), None], pa.month_day_nano_interval()),
  })`,
  floats: `pa.table({
    "single": pa.array([1.1, float("nan"), float("-inf"), None], pa.float32()),
    "double": pa.array([0.1, 1e300, -0.5, None], pa.float64()),
    "half": pa.array([0.5, 2.0, -1.0, None], pa.float16()),
  })`,
  texts: `pa.table({
    "text": pa.array(["", "NULL", None], pa.string()),
    "large": pa.array(["ä", "x" * 20, None], pa.large_string()),
    "view": pa.array(["short", "longer than twelve bytes", None], pa.string_view()),
    "entry": pa.array(["a", "b", None]).dictionary_encode(),
    "bytes": pa.array([b"\\x00\\xff", b"", None], pa.binary()),
    "fixed": pa.array([b"ab", b"cd", None], pa.binary(2)),
    "truth": pa.array([True, False, None]),
    "nothing": pa.nulls(3),
  })`,
  nested: `pa.table({
    "list": pa.array([[1, None], [], None], pa.list_(pa.int64())),
    "large": pa.array([["NULL"], [None], None], pa.large_list(pa.string())),
    "fixed": pa.array([[1.5, 2.5], [0.0, 1.0], None], pa.list_(pa.float64(), 2)),
    "struct": pa.array([{"a": dt.date(2026, 1, 2), "b": 'x"y'}, {"a": None, "b": ""}, None],
                       pa.struct([("a", pa.date32()), ("b", pa.string())])),
    "map": pa.array([[("k", decimal.Decimal("1.50"))], [], None], pa.map_(pa.string(), pa.decimal128(5, 2))),
    "deep": pa.array([[[{"x": [1]}]], [[]], None], pa.list_(pa.list_(pa.struct([("x", pa.list_(pa.int8()))])))),
  })`,
  masked: `pa.table([["x"], pa.array([1], pa.int8())], schema=pa.schema(
    [pa.field("email", pa.string(), metadata={"hatidata.masked": "hash"}), pa.field("n", pa.int8())]))`,
};

before(async () => {
  console_ = await prepared(["result"], TABLES);
});

after(() => console_?.remove());

/** The type names and the texts of the columns of a table. */
function columns(name) {
  const result = console_.result(name);
  const texts = (column) =>
    Array.from({ length: result.rows }, (_, row) => column.text(row));
  return Object.fromEntries(
    result.columns.map((column) => [
      column.name,
      [column.type, ...texts(column)],
    ]),
  );
}

test("integers of 64 bits and decimals of all widths stay exact", () => {
  const found = columns("integers");

  assert.deepEqual(found.big, [
    "BIGINT",
    "9223372036854775807",
    "-9223372036854775808",
    null,
  ]);
  assert.deepEqual(found.unsigned, [
    "UBIGINT",
    "18446744073709551615",
    "0",
    null,
  ]);
  assert.deepEqual(found.money, [
    "DECIMAL(12,2)",
    "-0.05",
    "1234567890.10",
    null,
  ]);
  assert.deepEqual(found.huge, [
    "DECIMAL(76,6)",
    `-${"9".repeat(70)}.123456`,
    "0.000001",
    null,
  ]);
});

test("moments keep their nanoseconds and are shown in their zone, summer and winter", () => {
  const found = columns("moments");

  assert.deepEqual(found.plain, [
    "TIMESTAMP",
    "2026-02-18 10:30:00.123456",
    "1969-12-31 23:59:59.999999",
    null,
  ]);
  assert.deepEqual(found.nanoseconds.slice(1, 3), [
    "2026-01-01 00:00:00.123456789",
    "1970-01-01 00:00:00",
  ]);
  assert.deepEqual(found.berlin, [
    "TIMESTAMPTZ",
    "2026-02-18 11:30:00+01:00",
    "2026-07-01 12:30:00+02:00",
    null,
  ]);
  assert.deepEqual(found.kolkata.slice(1, 3), [
    "2026-02-18 16:00:00+05:30",
    "1970-01-01 05:30:00+05:30",
  ]);
  assert.deepEqual(found.offset.slice(1, 3), [
    "2026-02-18 07:00:00-03:30",
    "1969-12-31 20:30:00-03:30",
  ]);
  assert.deepEqual(found.utc.slice(1, 3), [
    "infinity",
    "1970-01-01 00:00:00+00:00",
  ]);
});

test("dates, times and spans", () => {
  const found = columns("dates");

  assert.deepEqual(found.day, [
    "DATE",
    "1970-01-01",
    "0001-01-01 (BC)",
    "9999-12-31",
    "infinity",
  ]);
  assert.deepEqual(found.milliseconds.slice(1), [
    "1970-01-02",
    "1969-12-31",
    "1970-01-01",
    null,
  ]);
  assert.deepEqual(found.clock.slice(1), [
    "01:02:03.500",
    "00:00:00",
    "23:59:59.999999",
    null,
  ]);
  assert.deepEqual(found.seconds.slice(1), [
    "01:02:03",
    "00:00:00",
    "23:59:59",
    null,
  ]);
  assert.deepEqual(found.duration.slice(1), [
    "-00:00:01.500",
    "25:01:01.001",
    "00:00:00",
    null,
  ]);
  assert.deepEqual(found.interval, [
    "INTERVAL",
    "1 year 2 months -1 day 01:00:00",
    "00:00:00",
    "-1 month 2 days -00:00:00.500",
    null,
  ]);
});

test("floats are as short as they can be, and say when they are no numbers", () => {
  const found = columns("floats");

  assert.deepEqual(found.single, ["FLOAT", "1.1", "NaN", "-Infinity", null]);
  assert.deepEqual(found.double, ["DOUBLE", "0.1", "1e+300", "-0.5", null]);
  assert.deepEqual(found.half, ["HALF", "0.5", "2", "-1", null]);
});

test("texts and bytes in every layout", () => {
  const found = columns("texts");

  assert.deepEqual(found.text, ["VARCHAR", "", "NULL", null]);
  assert.deepEqual(found.large, ["VARCHAR", "ä", "x".repeat(20), null]);
  assert.deepEqual(found.view, [
    "VARCHAR",
    "short",
    "longer than twelve bytes",
    null,
  ]);
  assert.deepEqual(found.entry, ["VARCHAR", "a", "b", null]);
  assert.deepEqual(found.bytes, ["BLOB", "\\x00ff", "\\x", null]);
  assert.deepEqual(found.fixed, ["BLOB", "\\x6162", "\\x6364", null]);
  assert.deepEqual(found.truth, ["BOOLEAN", "true", "false", null]);
  assert.deepEqual(found.nothing, ["NULL", null, null, null]);
});

test("nested values quote their texts and keep the types inside", () => {
  const found = columns("nested");

  assert.deepEqual(found.list, ["BIGINT[]", "[1, null]", "[]", null]);
  assert.deepEqual(found.large, ["VARCHAR[]", '["NULL"]', "[null]", null]);
  assert.deepEqual(found.fixed, ["DOUBLE[2]", "[1.5, 2.5]", "[0, 1]", null]);
  assert.deepEqual(found.struct.slice(1), [
    '{"a": "2026-01-02", "b": "x\\"y"}',
    '{"a": null, "b": ""}',
    null,
  ]);
  assert.deepEqual(found.map, [
    "MAP(VARCHAR, DECIMAL(5,2))",
    '{"k": 1.50}',
    "{}",
    null,
  ]);
  assert.deepEqual(found.deep.slice(1), ['[[{"x": [1]}]]', "[[]]", null]);
});

test("columns of a masked field say how it is masked", () => {
  assert.deepEqual(
    console_.result("masked").columns.map((column) => column.masked),
    ["hash", null],
  );
});
