/** What an Arrow type is called in SQL, and what kind of value it holds. */

import { DataType, TimeUnit, Type, type Field } from "apache-arrow";

export type Kind = "number" | "time" | "boolean" | "text" | "nested" | "binary";

const SQL_NAME = "ARROW:FLIGHT:SQL:TYPE_NAME";
const TIMESTAMPS = ["TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS"];
const INTEGERS: Readonly<Record<number, string>> = {
  8: "TINYINT",
  16: "SMALLINT",
  32: "INTEGER",
  64: "BIGINT",
};
const FLOATS = ["HALF", "FLOAT", "DOUBLE"];

export function kindOf(type: DataType): Kind {
  if (DataType.isDictionary(type)) return kindOf(type.dictionary);
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type)) return "number";
  if (DataType.isDate(type) || DataType.isTimestamp(type)) return "time";
  if (DataType.isBool(type)) return "boolean";
  if (isBinary(type)) return "binary";
  return type.children && type.children.length > 0 ? "nested" : "text";
}

function isBinary(type: DataType): boolean {
  return [Type.Binary, Type.LargeBinary, Type.BinaryView, Type.FixedSizeBinary].includes(type.typeId);
}

export function typeName(field: Field): string {
  return field.metadata.get(SQL_NAME) ?? sqlName(field.type as DataType);
}

function sqlName(type: DataType): string {
  if (DataType.isInt(type)) return (type.isSigned ? "" : "U") + INTEGERS[type.bitWidth];
  if (DataType.isFloat(type)) return FLOATS[type.precision] ?? "FLOAT";
  if (DataType.isDecimal(type)) return `DECIMAL(${type.precision},${type.scale})`;
  if (DataType.isDictionary(type)) return sqlName(type.dictionary);
  if (DataType.isTimestamp(type)) return type.timezone ? "TIMESTAMPTZ" : TIMESTAMPS[type.unit]!;
  if (isBinary(type)) return "BLOB";
  return nestedName(type) ?? plainName(type);
}

function nestedName(type: DataType): string | null {
  if (DataType.isMap(type)) {
    const [key, value] = type.children[0]!.type.children;
    return `MAP(${childName(key)}, ${childName(value)})`;
  }
  if (DataType.isFixedSizeList(type)) return `${childName(type.children[0])}[${type.listSize}]`;
  if (DataType.isStruct(type)) {
    return `STRUCT(${type.children.map((field) => `${field.name} ${childName(field)}`).join(", ")})`;
  }
  if (DataType.isUnion(type)) return `UNION(${type.children.map(childName).join(", ")})`;
  return type.typeId === Type.List || type.typeId === Type.LargeList
    ? `${childName(type.children[0])}[]`
    : null;
}

function childName(field: Field | undefined): string {
  return field ? typeName(field) : "?";
}

const PLAIN: Readonly<Record<number, string>> = {
  [Type.Null]: "NULL",
  [Type.Bool]: "BOOLEAN",
  [Type.Date]: "DATE",
  [Type.Time]: "TIME",
  [Type.Interval]: "INTERVAL",
  [Type.Duration]: "INTERVAL",
};

function plainName(type: DataType): string {
  return PLAIN[type.typeId] ?? "VARCHAR";
}

/** How many units make a second. */
export function perSecond(unit: TimeUnit): bigint {
  return [1n, 1_000n, 1_000_000n, 1_000_000_000n][unit]!;
}
