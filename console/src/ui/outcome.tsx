/** What came of a query: nothing yet, a problem, or a result as table, chart and receipt. */

import { useState } from "preact/hooks";
import { Failure } from "../failure";
import { Result } from "../result";
import { Chart } from "./chart";
import { Grid } from "./grid";
import { Icon, type IconName } from "./icons";
import { byteSize, counted, credits, milliseconds } from "./numbers";
import { Problem } from "./problem";
import { ReceiptView } from "./receipt";
import { saveArrow, saveCsv } from "./save";
import type { Running } from "./running";

type View = "table" | "chart" | "receipt";

const VIEWS: readonly [View, string, IconName][] = [
  ["table", "Table", "table"],
  ["chart", "Chart", "chart"],
  ["receipt", "Receipt", "receipt"],
];

export function Outcome({ outcome, now }: { outcome: Result | Failure | null; now: Running | null }) {
  const [view, setView] = useState<View>("table");
  return (
    <section class="outcome" aria-label="Result" aria-busy={now !== null}>
      {now !== null && (
        <div class="progress" role="status">
          <span class="bar" />
          <span class="offscreen">The query is running.</span>
          {now.bytes > 0 && <span class="small quiet received">{byteSize(now.bytes)} received</span>}
        </div>
      )}
      {outcome === null && <Empty />}
      {outcome instanceof Failure && <Problem failure={outcome} title={titleOf(outcome)} />}
      {outcome instanceof Result && (
        <>
          <div class="outcome-head">
            <ViewTabs view={view} onPick={setView} />
            <Summary result={outcome} onReceipt={() => setView("receipt")} />
          </div>
          <div class="outcome-body" role="tabpanel" id="view-panel" aria-labelledby={`view-${view}`}>
            {view === "table" && <Grid key={outcome.receipt.queryId} result={outcome} />}
            {view === "chart" && <Chart key={outcome.receipt.queryId} result={outcome} />}
            {view === "receipt" && <ReceiptView result={outcome} />}
          </div>
        </>
      )}
    </section>
  );
}

function titleOf(failure: Failure): string {
  return failure.code === "QUERY_CANCELLED" ? "The query was cancelled" : "The query has no result";
}

function Empty() {
  return (
    <div class="empty">
      <Icon name="table" />
      <p>Run a query with Ctrl Enter, or pick a table.</p>
      <p class="quiet small">Only a selected part runs, if something is selected.</p>
    </div>
  );
}

function ViewTabs({ view, onPick }: { view: View; onPick: (view: View) => void }) {
  function move(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: VIEWS.length - 1 }[event.key];
    if (step === undefined) return;
    const at = VIEWS.findIndex(([name]) => name === view);
    const [next] = VIEWS[(at + step) % VIEWS.length]!;
    onPick(next);
    document.getElementById(`view-${next}`)?.focus();
  }
  return (
    <div class="tabs" role="tablist" aria-label="Forms of the result" onKeyDown={move}>
      {VIEWS.map(([name, label, icon]) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`view-${name}`}
          aria-selected={view === name}
          aria-controls="view-panel"
          tabIndex={view === name ? 0 : -1}
          onClick={() => onPick(name)}
        >
          <Icon name={icon} />
          {label}
        </button>
      ))}
    </div>
  );
}

function Summary({ result, onReceipt }: { result: Result; onReceipt: () => void }) {
  const { receipt } = result;
  const masked = result.maskedColumns.length;
  const filtered = receipt.rowFilters.length;
  return (
    <div class="summary">
      <span role="status">
        <strong>{counted(result.rows, "row")}</strong>
        {receipt.rowsAffected !== result.rows && ` · ${counted(receipt.rowsAffected, "row")} affected`} ·{" "}
        {milliseconds(receipt.serverMs)} · {credits(receipt.credits)}
      </span>
      {receipt.resultCacheHit && <span class="badge good">cached</span>}
      {filtered > 0 && (
        <button type="button" class="badge filter" onClick={onReceipt}>
          <Icon name="filter" />
          {counted(filtered, "row filter")}
        </button>
      )}
      {masked > 0 && (
        <button type="button" class="badge mask" onClick={onReceipt}>
          <Icon name="lock" />
          {counted(masked, "masked column")}
        </button>
      )}
      <span class="spring" />
      <button type="button" class="quiet-button" onClick={() => saveCsv(result)} title="Save as CSV">
        <Icon name="download" /> CSV
      </button>
      <button
        type="button"
        class="quiet-button"
        onClick={() => saveArrow(result)}
        title="Save as Arrow stream"
      >
        <Icon name="download" /> Arrow
      </button>
    </div>
  );
}
