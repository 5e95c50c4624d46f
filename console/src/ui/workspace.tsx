import type { SQLNamespace } from "@codemirror/lang-sql";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Failure } from "../failure";
import { Result } from "../result";
import type { TableName, Usage } from "../service";
import { Editor, type EditorHandle } from "./editor";
import { Icon, Logo } from "./icons";
import { credits } from "./numbers";
import { Outcome } from "./outcome";
import { Elapsed, RecentQueries, remembered, type Entry } from "./recent";
import { nameOf, SchemaBrowser, sqlName, type Columns, type ColumnsByTable } from "./schema";
import { readable, type Session } from "./session";
import { useSplit } from "./split";
import { UsageDialog } from "./usage";

const TIME_LIMITS: readonly [number, string][] = [
  [30_000, "30 s"],
  [120_000, "2 min"],
  [300_000, "5 min"],
];
const DIALECTS: readonly [string, string][] = [
  ["auto", "Any dialect"],
  ["duckdb", "DuckDB"],
  ["snowflake", "Snowflake"],
];

export function Workspace({ session, onLeave }: { session: Session; onLeave: () => void }) {
  const { service } = session;
  const editor = useRef<EditorHandle>(null);
  const schema = useSchema(session);
  const [usage, setUsage] = useState<Usage>(session.usage);
  const [usageShown, setUsageShown] = useState(false);
  const [sideShown, setSideShown] = useState(false);
  const [timeoutMs, setTimeoutMs] = useState(30_000);
  const [dialect, setDialect] = useState("auto");
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const running = useRunning();
  const split = useSplit();

  async function refreshUsage() {
    setUsage(await service.usage().catch(() => usage));
  }

  async function run(sql: string) {
    if (sql.trim() === "" || running.now !== null) return;
    const outcome = await running.start((signal, onBytes) =>
      service.run({ sql, dialect, timeoutMs }, signal, onBytes),
    );
    if (outcome === null) return;
    setEntries((before) => remembered(before, sql, outcome));
    void refreshUsage();
  }

  function runEditor() {
    void run(editor.current?.statement() ?? "");
  }

  function put(sql: string) {
    editor.current?.replace(sql);
    editor.current?.focus();
    setSideShown(false);
  }

  function preview(table: TableName) {
    const sql = `SELECT *\nFROM ${sqlName(table)}\nLIMIT 100`;
    put(sql);
    void run(sql);
  }

  async function showUsage() {
    await refreshUsage();
    setUsageShown(true);
  }

  return (
    <div class="workspace">
      <header class="top">
        <button
          type="button"
          class="icon-button only-narrow"
          aria-label="Tables and recent queries"
          aria-expanded={sideShown}
          aria-controls="side"
          onClick={() => setSideShown(!sideShown)}
        >
          <Icon name={sideShown ? "close" : "menu"} />
        </button>
        <Logo />
        <h1>
          HatiData <span class="quiet">console</span>
        </h1>
        <span class="spring" />
        <button type="button" class="pill" onClick={() => void showUsage()} title="Usage of this key">
          <Icon name="bolt" />
          {credits(usage.credits)}
          <span class="offscreen"> used this month</span>
        </button>
        <span class="who" title="The key in use">
          <Icon name="lock" />
          <code>{service.hasKey ? `${usage.key_prefix}…` : "dev mode, no key"}</code>
        </span>
        <button type="button" onClick={onLeave}>
          Sign out
        </button>
      </header>
      {sideShown && <div class="scrim" onClick={() => setSideShown(false)} />}
      <Side shown={sideShown} entries={entries} onPick={put} onLeave={() => setSideShown(false)}>
        <SchemaBrowser
          tables={schema.tables}
          columns={schema.columns}
          onOpen={schema.open}
          onRefresh={schema.refresh}
          onPick={(text) => editor.current?.insert(text)}
          onPreview={preview}
        />
      </Side>
      <main class="main" ref={split.area}>
        <section class="ask" aria-label="Query" style={{ flexBasis: `${split.share}%` }}>
          <Editor handle={editor} names={schema.names} initial={firstQuery(session.tables)} onRun={runEditor} />
          <div class="toolbar">
            {running.now === null ? (
              <button type="button" class="primary" onClick={runEditor}>
                <Icon name="play" /> Run <kbd>Ctrl ⏎</kbd>
              </button>
            ) : (
              <button type="button" class="stop" onClick={running.stop}>
                <Icon name="stop" /> Cancel <Elapsed start={running.now.started} />
              </button>
            )}
            <Choice label="Time limit" value={String(timeoutMs)} options={TIME_LIMITS} onChange={(value) => setTimeoutMs(Number(value))} />
            <Choice label="Dialect" value={dialect} options={DIALECTS} onChange={setDialect} />
          </div>
        </section>
        <div class="splitter" {...split.handle} />
        <Outcome outcome={running.outcome} now={running.now} />
      </main>
      {usageShown && <UsageDialog usage={usage} onClose={() => setUsageShown(false)} />}
    </div>
  );
}

function Side(props: {
  shown: boolean;
  entries: readonly Entry[];
  onPick: (sql: string) => void;
  onLeave: () => void;
  children: preact.ComponentChildren;
}) {
  const [tab, setTab] = useState<"tables" | "recent">("tables");
  return (
    <aside
      id="side"
      class={props.shown ? "side shown" : "side"}
      aria-label="Tables and recent queries"
      onKeyDown={(event) => event.key === "Escape" && props.onLeave()}
    >
      <div class="tabs" role="group" aria-label="What to show here">
        <button type="button" aria-pressed={tab === "tables"} onClick={() => setTab("tables")}>
          Tables
        </button>
        <button type="button" aria-pressed={tab === "recent"} onClick={() => setTab("recent")}>
          Recent {props.entries.length > 0 && <span class="count">{props.entries.length}</span>}
        </button>
      </div>
      <div class="side-part" hidden={tab !== "tables"}>
        {props.children}
      </div>
      <div class="side-part" hidden={tab !== "recent"}>
        <RecentQueries entries={props.entries} onPick={props.onPick} />
      </div>
    </aside>
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: readonly (readonly [string | number, string])[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      aria-label={props.label}
      title={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    >
      {props.options.map(([value, name]) => (
        <option key={value} value={String(value)}>
          {name}
        </option>
      ))}
    </select>
  );
}

function firstQuery(tables: readonly TableName[]): string {
  const first = tables.find((table) => !table.name.startsWith("_hatidata"));
  return first ? `SELECT *\nFROM ${sqlName(first)}\nLIMIT 100` : "SELECT 42 AS answer";
}

export interface Running {
  readonly started: number;
  readonly bytes: number;
}

type Work = (signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<Result>;

/** One query at a time; leaving the page or signing out stops it. */
function useRunning() {
  const [now, setNow] = useState<Running | null>(null);
  const [outcome, setOutcome] = useState<Result | Failure | null>(null);
  const controller = useRef<AbortController | null>(null);
  const left = useRef(false);
  useEffect(
    () => () => {
      left.current = true;
      controller.current?.abort();
    },
    [],
  );

  async function start(work: Work): Promise<Result | Failure | null> {
    controller.current = new AbortController();
    const started = performance.now();
    setNow({ started, bytes: 0 });
    const found = await work(controller.current.signal, (bytes) => setNow({ started, bytes })).catch(asFailure);
    if (left.current) return null;
    setNow(null);
    setOutcome(found);
    return found;
  }
  return { now, outcome, start, stop: () => controller.current?.abort() };
}

function asFailure(fault: unknown): Failure {
  return fault instanceof Failure ? fault : new Failure("CONSOLE_ERROR", `The console failed: ${String(fault)}`);
}

function useSchema(session: Session) {
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
    const found = await readable(service).catch(() => tables);
    setTables(found);
    for (const table of found.filter((one) => columns.has(nameOf(one)))) {
      set(nameOf(table), await service.columns(table).catch(asFailure));
    }
  }
  const names = useMemo(() => namesIn(tables, columns), [tables, columns]);
  return { tables, columns, names, open: (table: TableName) => void open(table), refresh: () => void refresh() };
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
