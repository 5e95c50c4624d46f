import { useEffect, useRef, useState } from "preact/hooks";
import type { TableName, Usage } from "../service";
import { Editor, type EditorHandle } from "./editor";
import { useSchema } from "./known-schema";
import { Outcome } from "./outcome";
import { remembered, type Entry } from "./recent";
import { useRunning } from "./running";
import { SchemaBrowser, sqlName } from "./schema";
import type { Session } from "./session";
import { Side } from "./side";
import { useSplit } from "./split";
import { Toolbar, type Options } from "./toolbar";
import { TopBar } from "./top-bar";
import { UsageDialog } from "./usage";

/** Statements after which there may be other tables; a false alarm costs nothing. */
const CHANGES_TABLES = /\b(create|drop|alter)\b/i;

export function Workspace({ session, onLeave }: { session: Session; onLeave: () => void }) {
  const schema = useSchema(session);
  const work = useWork(session, schema.refresh);
  const split = useSplit();
  const { editor, running, side, usage } = work;
  return (
    <div class="workspace">
      <TopBar
        service={session.service}
        usage={usage.now}
        sideShown={side.shown}
        onSide={() => side.show(!side.shown)}
        onUsage={() => void usage.show()}
        onLeave={onLeave}
      />
      {side.shown && <div class="scrim" onClick={() => side.show(false)} />}
      <Side shown={side.shown} entries={work.entries} onPick={work.put} onLeave={() => side.show(false)}>
        <SchemaBrowser
          tables={schema.tables}
          columns={schema.columns}
          onOpen={schema.open}
          onRefresh={schema.refresh}
          onPick={(text) => editor.current?.insert(text)}
          onPreview={work.preview}
        />
      </Side>
      <main class="main" ref={split.area}>
        <section class="ask" aria-label="Query" style={{ flexBasis: `${split.share}%` }}>
          <Editor
            handle={editor}
            names={schema.names}
            initial={firstQuery(session.tables)}
            onRun={work.runEditor}
          />
          <Toolbar
            now={running.now}
            options={work.options}
            onOptions={work.setOptions}
            onRun={work.runEditor}
            onStop={running.stop}
          />
        </section>
        <div class="splitter" {...split.handle} />
        <Outcome outcome={running.outcome} now={running.now} />
      </main>
      {usage.shown && usage.now && <UsageDialog usage={usage.now} onClose={usage.hide} />}
    </div>
  );
}

/** What a person does here: write, run, look back. */
function useWork(session: Session, onTablesChanged: () => void) {
  const { service } = session;
  const editor = useRef<EditorHandle>(null);
  const running = useRunning();
  const usage = useUsage(session);
  const [sideShown, setSideShown] = useState(false);
  const [options, setOptions] = useState<Options>({ timeoutMs: 30_000, dialect: "auto" });
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  useEffect(() => {
    if (matchMedia("(min-width: 760px)").matches) editor.current?.focus();
  }, []);

  async function run(sql: string) {
    if (sql.trim() === "" || running.now !== null) return;
    const outcome = await running.start((signal, onBytes) =>
      service.run({ sql, ...options }, signal, onBytes),
    );
    if (outcome === null) return;
    setEntries((before) => remembered(before, sql, outcome));
    void usage.refresh();
    if (CHANGES_TABLES.test(sql)) onTablesChanged();
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

  const runEditor = () => void run(editor.current?.statement() ?? "");
  const side = { shown: sideShown, show: setSideShown };
  return { editor, running, usage, side, options, setOptions, entries, put, preview, runEditor };
}

function useUsage({ service, usage }: Session) {
  const [now, setNow] = useState<Usage | null>(usage);
  const [shown, setShown] = useState(false);
  const refresh = async () => setNow(await service.usage().catch(() => now));
  const show = async () => {
    await refresh();
    setShown(true);
  };
  return { now, shown, refresh, show, hide: () => setShown(false) };
}

function firstQuery(tables: readonly TableName[]): string {
  const first = tables.find((table) => !table.name.startsWith("_hatidata"));
  return first ? `SELECT *\nFROM ${sqlName(first)}\nLIMIT 100` : "SELECT 42 AS answer";
}
