/** The tables of the key and, of those that were opened, the columns. */

import type { SQLNamespace } from "@codemirror/lang-sql";
import { useCallback, useMemo, useState } from "preact/hooks";
import type { TableName } from "../service";
import { asFailure } from "./running";
import { nameOf, type Columns, type ColumnsByTable } from "./schema";
import type { Session } from "./session";

export function useSchema(session: Session) {
  const { service } = session;
  const [tables, setTables] = useState(session.tables);
  const [columns, setColumns] = useState<ColumnsByTable>(new Map());
  const set = useCallback(
    (name: string, found: Columns) => setColumns((before) => new Map(before).set(name, found)),
    [],
  );

  async function open(table: TableName) {
    const name = nameOf(table);
    if (Array.isArray(columns.get(name))) return;
    set(name, null);
    set(name, await service.columns(table).catch(asFailure));
  }

  async function refresh() {
    const found = await service.tables().catch(() => tables);
    setTables(found);
    for (const table of found.filter((one) => columns.has(nameOf(one)))) {
      set(nameOf(table), await service.columns(table).catch(asFailure));
    }
  }
  const names = useMemo(() => namesIn(tables, columns), [tables, columns]);
  return {
    tables,
    columns,
    names,
    open: (table: TableName) => void open(table),
    refresh: () => void refresh(),
  };
}

/** What the editor completes: tables by schema, and the columns that are known. */
function namesIn(tables: readonly TableName[], columns: ColumnsByTable): SQLNamespace {
  const schemas: Record<string, Record<string, string[]>> = {};
  for (const table of tables) {
    const known = columns.get(nameOf(table));
    const names = Array.isArray(known) ? known.map((column) => String(column.name)) : [];
    (schemas[table.schema] ??= {})[table.name] = names;
  }
  return schemas;
}
