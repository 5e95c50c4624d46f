/** What the key has used this month. */

import { useEffect, useRef } from "preact/hooks";
import type { Usage, UsageLine } from "../service";
import { Icon } from "./icons";
import { brief, byteSize, whole } from "./numbers";

interface TableUse {
  readonly table: string;
  readonly queries: number;
  readonly credits: number;
}

export function UsageDialog({ usage, onClose }: { usage: Usage; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="usage" aria-labelledby="usage-title" onClose={onClose}>
      <div class="dialog-head">
        <h2 id="usage-title">Usage this month</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <p class="quiet small">
        Key <code>{usage.key_prefix || "none (dev mode)"}</code>, since the first of the month, UTC
      </p>
      <dl class="figures">
        <Figure label="Credits" value={usage.credits.toLocaleString("en-US", { maximumFractionDigits: 2 })} />
        <Figure label="Queries" value={brief(usage.queries)} />
        <Figure label="Refused" value={brief(usage.refused)} />
        <Figure label="Rows" value={brief(usage.rows)} />
        <Figure label="Data" value={byteSize(usage.bytes)} />
      </dl>
      <TablesUsed lines={usage.by_table} />
    </dialog>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function TablesUsed({ lines }: { lines: readonly UsageLine[] }) {
  const tables = summed(lines);
  const most = Math.max(...tables.map((one) => one.credits), 1e-9);
  if (tables.length === 0) return <p class="quiet small">No table was read yet.</p>;
  return (
    <table class="by-table">
      <caption>By table</caption>
      <thead>
        <tr>
          <th scope="col">Table</th>
          <th scope="col">Queries</th>
          <th scope="col">Credits</th>
        </tr>
      </thead>
      <tbody>
        {tables.map((one) => (
          <tr key={one.table}>
            <th scope="row">
              <code>{one.table}</code>
              <meter min={0} max={most} value={one.credits} aria-hidden="true" />
            </th>
            <td>{whole(one.queries)}</td>
            <td>{one.credits.toLocaleString("en-US", { maximumFractionDigits: 2 })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function summed(lines: readonly UsageLine[]): TableUse[] {
  const tables = new Map<string, TableUse>();
  for (const { table, queries, credits } of lines) {
    const before = tables.get(table) ?? { table, queries: 0, credits: 0 };
    tables.set(table, { table, queries: before.queries + queries, credits: before.credits + credits });
  }
  return [...tables.values()].sort((a, b) => b.credits - a.credits);
}
