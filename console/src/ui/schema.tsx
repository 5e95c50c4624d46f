/** The tables and columns that the key may see; columns are asked for when a table is opened. */

import { useMemo, useState } from "preact/hooks";
import { Failure } from "../failure";
import type { ColumnInfo, TableName } from "../service";
import { Icon } from "./icons";

export type Columns = readonly ColumnInfo[] | Failure | null;
export type ColumnsByTable = ReadonlyMap<string, Columns>;

interface Props {
  readonly tables: readonly TableName[];
  readonly columns: ColumnsByTable;
  readonly onOpen: (table: TableName) => void;
  readonly onPick: (text: string) => void;
  readonly onPreview: (table: TableName) => void;
  readonly onRefresh: () => void;
}

export function nameOf(table: TableName): string {
  return `${table.schema}.${table.name}`;
}

/** An identifier as SQL takes it. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function sqlName(table: TableName): string {
  return table.schema === "main" ? quoted(table.name) : `${quoted(table.schema)}.${quoted(table.name)}`;
}

export function SchemaBrowser(props: Props) {
  const [filter, setFilter] = useState("");
  const shown = useMemo(() => grouped(props.tables, filter), [props.tables, filter]);
  return (
    <section class="schema" aria-label="Tables">
      <div class="schema-head">
        <input
          type="search"
          placeholder="Filter tables"
          aria-label="Filter tables"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <button
          type="button"
          class="icon-button"
          aria-label="Refresh tables"
          title="Refresh"
          onClick={props.onRefresh}
        >
          <Icon name="refresh" />
        </button>
      </div>
      <div class="schema-list">
        {shown.map(([schema, tables]) => (
          <SchemaGroup key={schema} {...props} schema={schema} tables={tables} />
        ))}
        {shown.length === 0 && (
          <p class="quiet small pad">
            {props.tables.length ? "No table of this name." : "There is no table for this key."}
          </p>
        )}
      </div>
    </section>
  );
}

/** Tables by schema; those of the service itself come last. */
function grouped(tables: readonly TableName[], filter: string): [string, TableName[]][] {
  const groups = new Map<string, TableName[]>();
  const wanted = filter.trim().toLowerCase();
  for (const table of tables) {
    if (!nameOf(table).toLowerCase().includes(wanted)) continue;
    groups.set(table.schema, [...(groups.get(table.schema) ?? []), table]);
  }
  const isOurs = (table: TableName) => Number(table.name.startsWith("_hatidata"));
  for (const group of groups.values())
    group.sort((a, b) => isOurs(a) - isOurs(b) || a.name.localeCompare(b.name));
  return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

function SchemaGroup({ schema, ...props }: Props & { schema: string }) {
  return (
    <div class="schema-group">
      <h2>
        {schema} <span class="quiet">{props.tables.length}</span>
      </h2>
      <ul>
        {props.tables.map((table) => (
          <TableItem key={nameOf(table)} {...props} table={table} />
        ))}
      </ul>
    </div>
  );
}

function TableItem({ table, columns, onOpen, onPick, onPreview }: Props & { table: TableName }) {
  const [open, setOpen] = useState(false);
  function toggle() {
    if (!open) onOpen(table);
    setOpen(!open);
  }
  return (
    <li>
      <div class="table-row">
        <button type="button" class="table-name" aria-expanded={open} onClick={toggle}>
          <span class={open ? "turn open" : "turn"}>
            <Icon name="chevron" />
          </span>
          <Icon name={table.isView ? "view" : "table"} />
          <span class="name">{table.name}</span>
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={`Show rows of ${table.name}`}
          title="Show its first 100 rows"
          onClick={() => onPreview(table)}
        >
          <Icon name="play" />
        </button>
      </div>
      {open && <ColumnList columns={columns.get(nameOf(table)) ?? null} onPick={onPick} />}
    </li>
  );
}

function ColumnList({ columns, onPick }: { columns: Columns; onPick: (text: string) => void }) {
  if (columns === null) return <p class="quiet small pad">Loading…</p>;
  if (columns instanceof Failure) return <p class="small pad bad-text">{columns.message}</p>;
  return (
    <ul class="columns">
      {columns.map((column) => (
        <li key={column.name}>
          <button
            type="button"
            class="column-row"
            title={`Insert ${column.name} (${column.type})`}
            onClick={() => onPick(quoted(column.name))}
          >
            <span class="name">{column.name}</span>
            {column.masked && <MaskBadge mask={column.masked} />}
            <span class="type">{column.type}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

export function MaskBadge({ mask }: { mask: string }) {
  return (
    <span class="badge mask" title={`The policies mask this column: ${mask}`}>
      <Icon name="lock" />
      <span class="offscreen">masked: </span>
      {mask}
    </span>
  );
}
