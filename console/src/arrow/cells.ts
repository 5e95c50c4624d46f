/** Single values out of Arrow's buffers, without a loss: 64-bit numbers, decimals and nanoseconds stay exact. */

import { DataType, DateUnit, IntervalUnit, Type, Vector, type Data } from "apache-arrow";
import { perSecond } from "./types";
import { dateText, durationText, intervalText, timeText, timestampText } from "./times";

/** How much of a value is told. */
export interface Form {
  /** Spaces before the parts of a nested value, each on a line of its own; 0 puts them all on one line. */
  readonly indent: number;
  /** Letters of a text, and parts of a nested value; more are left out, and three dots stand for them. */
  readonly most: number;
}

export const WHOLE: Form = { indent: 0, most: Infinity };
export const SPREAD: Form = { indent: 2, most: 1_000_000 };
export const SHORT: Form = { indent: 0, most: 300 };

const SHOWN_BYTES = 256;
const LONGEST_LETTER = 4;
const decoder = new TextDecoder();

/** The value at *index* as text, or null for NULL. */
export function cellText(data: Data, index: number, form: Form): string | null {
  if (data.typeId === Type.Null || !data.getValid(index)) return null;
  if (DataType.isDictionary(data.type)) {
    const dictionary = data.dictionary as Vector;
    return vectorText(dictionary, Number(data.values[index]), form);
  }
  return nestedText(data, index, form) ?? scalarText(data, index, form);
}

/** The value at *index* as a number, times as milliseconds; null for NULL and for what is no number. */
export function numberIn(data: Data, index: number): number | null {
  const type = data.type as DataType;
  if (data.typeId === Type.Null || !data.getValid(index)) return null;
  if (DataType.isTimestamp(type)) return (Number(data.values[index]) / Number(perSecond(type.unit))) * 1_000;
  if (DataType.isDate(type)) return daysIn(data, index) * 86_400_000;
  if (DataType.isInt(type)) return Number(data.values[index]);
  if (DataType.isFloat(type)) return finite(floatIn(data, index));
  return DataType.isDecimal(type) ? Number(scalarText(data, index, WHOLE)) : null;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function scalarText(data: Data, index: number, form: Form): string {
  const type = data.type as DataType;
  if (DataType.isInt(type)) return String(data.values[index]);
  if (DataType.isFloat(type)) return floatText(floatIn(data, index), type.precision);
  if (DataType.isDecimal(type))
    return decimalText(data.values as Uint32Array, index, type.bitWidth, type.scale);
  if (DataType.isBool(type)) return String(new Vector([data]).get(index));
  if (DataType.isDate(type)) return dateText(daysIn(data, index));
  if (DataType.isTimestamp(type))
    return timestampText(BigInt(data.values[index]), perSecond(type.unit), type.timezone);
  if (DataType.isTime(type)) return timeText(BigInt(data.values[index]), perSecond(type.unit));
  if (DataType.isDuration(type)) return durationText(BigInt(data.values[index]), perSecond(type.unit));
  if (DataType.isInterval(type)) return intervalIn(data, index, type.unit);
  return shortened(bytesText(data, index, form), form);
}

/** A text, decoded no further than it can be told. */
function bytesText(data: Data, index: number, form: Form): string {
  const { typeId, valueOffsets } = data;
  if (typeId === Type.Utf8 || typeId === Type.LargeUtf8) {
    const [from, to] = [Number(valueOffsets[index]), Number(valueOffsets[index + 1])];
    return decoder.decode(data.values.subarray(from, Math.min(to, from + (form.most + 1) * LONGEST_LETTER)));
  }
  const value: unknown = new Vector([data]).get(index);
  return value instanceof Uint8Array ? hexText(value) : String(value);
}

function shortened(text: string, form: Form): string {
  return text.length > form.most ? `${text.slice(0, form.most)}…` : text;
}

function hexText(bytes: Uint8Array): string {
  const digits = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  const more = bytes.length > SHOWN_BYTES ? `… (${bytes.length} bytes)` : "";
  return `\\x${digits}${more}`;
}

function daysIn(data: Data, index: number): number {
  const type = data.type as DataType;
  return DataType.isDate(type) && type.unit === DateUnit.DAY
    ? Number(data.values[index])
    : Math.floor(Number(data.values[index]) / 86_400_000);
}

function floatIn(data: Data, index: number): number {
  return data.values instanceof Uint16Array
    ? Number(new Vector([data]).get(index))
    : Number(data.values[index]);
}

/** The shortest text that gives the same number again, in the precision that it has. */
function floatText(value: number, precision: number): string {
  if (precision !== 1 || !Number.isFinite(value)) return String(value);
  const shortest = [6, 7, 8].map((digits) => Number(value.toPrecision(digits)));
  return String(shortest.find((short) => Math.fround(short) === value) ?? Number(value.toPrecision(9)));
}

function decimalText(words: Uint32Array, index: number, bits: number, scale: number): string {
  const stride = bits / 32;
  let value = 0n;
  for (let word = stride - 1; word >= 0; word--)
    value = (value << 32n) | BigInt(words[index * stride + word]! >>> 0);
  value = BigInt.asIntN(bits, value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return (value < 0n ? "-" : "") + (scale > 0 ? `${whole}.${digits.slice(-scale)}` : whole);
}

function intervalIn(data: Data, index: number, unit: IntervalUnit): string {
  const parts = data.values as Int32Array;
  if (unit === IntervalUnit.YEAR_MONTH) return intervalText(parts[index]!, 0, 0n);
  if (unit === IntervalUnit.DAY_TIME) {
    return intervalText(0, parts[index * 2]!, BigInt(parts[index * 2 + 1]!) * 1_000_000n);
  }
  const at = index * 4;
  const nanoseconds = (BigInt(parts[at + 3]!) << 32n) | BigInt(parts[at + 2]! >>> 0);
  return intervalText(parts[at]!, parts[at + 1]!, nanoseconds);
}

function vectorText(vector: Vector, index: number, form: Form): string | null {
  let at = index;
  for (const chunk of vector.data) {
    if (at < chunk.length) return cellText(chunk, at, form);
    at -= chunk.length;
  }
  return null;
}

function nestedText(data: Data, index: number, form: Form): string | null {
  const type = data.type as DataType;
  const [first] = data.children as Data[];
  if (DataType.isMap(type)) return mapText(data, index, form);
  if (DataType.isStruct(type)) {
    const fields = type.children.map((field, at) =>
      named(field.name, data.children[at] as Data, index, form),
    );
    return enclosed("{", fields, "}", form);
  }
  if (DataType.isUnion(type)) return unionText(data, index, form);
  const range = rangeOf(data, index);
  if (range === null || first === undefined) return null;
  return enclosed(
    "[",
    parts(range, form, (at) => inner(first, at, form)),
    "]",
    form,
  );
}

function rangeOf(data: Data, index: number): [number, number] | null {
  const type = data.type as DataType;
  if (DataType.isFixedSizeList(type)) return [index * type.listSize, (index + 1) * type.listSize];
  if (![Type.List, Type.LargeList, Type.Map].includes(data.typeId)) return null;
  return [Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1])];
}

function parts([from, to]: readonly [number, number], form: Form, part: (at: number) => string): string[] {
  const told = Array.from({ length: Math.min(to - from, form.most) }, (_, at) => part(from + at));
  return to - from > form.most ? [...told, "…"] : told;
}

function mapText(data: Data, index: number, form: Form): string {
  const [keys, values] = (data.children[0] as Data).children as [Data, Data];
  const pair = (at: number) => `${inner(keys, at, form)}: ${inner(values, at, form)}`;
  return enclosed("{", parts(rangeOf(data, index)!, form, pair), "}", form);
}

function unionText(data: Data, index: number, form: Form): string | null {
  const type = data.type as DataType & { typeIds: Int32Array };
  const member = Array.from(type.typeIds).indexOf((data.typeIds as Int8Array)[index]!);
  const dense = data.valueOffsets as Int32Array | undefined;
  const child = data.children[member] as Data;
  return cellText(child, dense && dense.length > 0 ? dense[index]! : index, form) ?? "NULL";
}

function named(name: string, data: Data, index: number, form: Form): string {
  return `${JSON.stringify(name)}: ${inner(data, index, form)}`;
}

/** A value inside of another: texts are quoted, so that they cannot be taken for anything else. */
function inner(data: Data, index: number, form: Form): string {
  const text = cellText(data, index, form.indent === 0 ? form : { ...form, indent: form.indent + 2 });
  if (text === null) return "null";
  return isBare(data.type as DataType) ? text : JSON.stringify(text);
}

function isBare(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isBare(type.dictionary);
  return (
    DataType.isInt(type) ||
    DataType.isFloat(type) ||
    DataType.isDecimal(type) ||
    DataType.isBool(type) ||
    DataType.isUnion(type) ||
    (type.children?.length ?? 0) > 0
  );
}

function enclosed(open: string, inside: readonly string[], close: string, { indent }: Form): string {
  if (indent === 0 || inside.length === 0) return open + inside.join(", ") + close;
  const space = "\n" + " ".repeat(indent);
  return open + space + inside.join("," + space) + "\n" + " ".repeat(indent - 2) + close;
}
