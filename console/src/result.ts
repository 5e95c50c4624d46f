/** A result: its Arrow table column by column, and the receipt that came with it. */

import {
  tableFromIPC,
  type Data,
  type DataType,
  type Field,
  type RecordBatch,
  type Table,
} from "apache-arrow";
import { kindOf, typeName, type Kind } from "./arrow/types";
import { cellText, numberIn, WHOLE, type Form } from "./arrow/cells";
import { Failure } from "./failure";

export interface Receipt {
  readonly queryId: string;
  readonly rows: number;
  readonly rowsAffected: number;
  readonly credits: number;
  readonly serverMs: number;
  readonly totalMs: number;
  readonly bytes: number;
  readonly resultCacheHit: boolean;
  readonly transpileCacheHit: boolean;
  readonly rowFilters: readonly string[];
}

/** Where the rows of each batch begin; the last entry is the number of rows. */
function startsOf(batches: readonly RecordBatch[]): Uint32Array {
  const starts = new Uint32Array(batches.length + 1);
  batches.forEach((batch, at) => (starts[at + 1] = starts[at]! + batch.numRows));
  return starts;
}

export class Column {
  readonly name: string;
  readonly type: string;
  readonly kind: Kind;
  /** `full`, `partial`, `hash` or `null` where the policies mask this column, else null. */
  readonly masked: string | null;

  constructor(
    field: Field,
    private readonly chunks: readonly Data[],
    private readonly starts: Uint32Array,
  ) {
    this.name = field.name;
    this.type = typeName(field);
    this.kind = kindOf(field.type as DataType);
    this.masked = field.metadata.get("hatidata.masked") ?? null;
  }

  /** The value as text, or null for NULL. */
  text(row: number, form: Form = WHOLE): string | null {
    const at = this.chunkOf(row);
    return cellText(this.chunks[at]!, row - this.starts[at]!, form);
  }

  /** The value as a number (times as milliseconds), or null for NULL and for what is no number. */
  number(row: number): number | null {
    const at = this.chunkOf(row);
    return numberIn(this.chunks[at]!, row - this.starts[at]!);
  }

  private chunkOf(row: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export class Result {
  private constructor(
    readonly columns: readonly Column[],
    readonly rows: number,
    readonly receipt: Receipt,
    readonly stream: Uint8Array<ArrayBuffer>,
  ) {}

  static of(stream: Uint8Array<ArrayBuffer>, receipt: Receipt): Result {
    const { schema, batches } = read(stream);
    const filled = batches.filter((batch) => batch.numRows > 0);
    const starts = startsOf(filled);
    const columns = schema.fields.map(
      (field, at) =>
        new Column(
          field,
          filled.map((batch) => batch.data.children[at] as Data),
          starts,
        ),
    );
    return new Result(columns, starts[filled.length]!, receipt, stream);
  }

  get maskedColumns(): readonly Column[] {
    return this.columns.filter((column) => column.masked !== null);
  }
}

function read(stream: Uint8Array): Table {
  try {
    return tableFromIPC(stream);
  } catch (fault) {
    throw new Failure("UNREADABLE", `This result has a type that the console cannot read: ${String(fault)}`);
  }
}
