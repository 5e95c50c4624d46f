/** What the service did with the query: filters and masks, credits, caches, times. */

import type { ComponentChildren } from "preact";
import type { Result } from "../result";
import { CopyButton } from "./copy";
import { Icon } from "./icons";
import { byteSize, counted, credits, milliseconds, whole } from "./numbers";
import { MaskBadge } from "./schema";

export function ReceiptView({ result }: { result: Result }) {
  const { receipt } = result;
  return (
    <div class="receipt">
      <section>
        <h2>
          <Icon name="filter" /> Row filters
        </h2>
        <Filters tables={receipt.rowFilters} />
      </section>
      <section>
        <h2>
          <Icon name="lock" /> Masks
        </h2>
        <Masks result={result} />
        <p class="quiet small">What is computed from a masked column is computed on its masked values.</p>
      </section>
      <section>
        <h2>
          <Icon name="receipt" /> Receipt
        </h2>
        <dl class="facts">
          <Fact label="Query id">
            <code>{receipt.queryId}</code> <CopyButton text={receipt.queryId} label="Copy the query id" />
          </Fact>
          <Fact label="Credits">{credits(receipt.credits)}</Fact>
          <Fact label="Result cache">{receipt.resultCacheHit ? "hit" : "miss"}</Fact>
          <Fact label="Compiled statement">{receipt.transpileCacheHit ? "cache hit" : "cache miss"}</Fact>
          <Fact label="Rows">{whole(result.rows)}</Fact>
          <Fact label="Rows affected">{whole(receipt.rowsAffected)}</Fact>
          <Fact label="Columns">{whole(result.columns.length)}</Fact>
          <Fact label="Data">{byteSize(receipt.bytes)} of Arrow</Fact>
          <Fact label="Time in the service">{milliseconds(receipt.serverMs)}</Fact>
          <Fact label="Time with the network">{milliseconds(receipt.totalMs)}</Fact>
        </dl>
      </section>
    </div>
  );
}

function Filters({ tables }: { tables: readonly string[] }) {
  if (tables.length === 0) return <p class="quiet">No row filter applied.</p>;
  return (
    <>
      <p>
        {counted(tables.length, "table")} read under a row filter; the rows that it hides are in no number
        here.
      </p>
      <ul class="chips">
        {tables.map((table) => (
          <li key={table} class="badge filter">
            <Icon name="filter" />
            {table}
          </li>
        ))}
      </ul>
    </>
  );
}

function Masks({ result }: { result: Result }) {
  const masked = result.maskedColumns;
  if (masked.length === 0) return <p class="quiet">No column of this result is marked as masked.</p>;
  return (
    <ul class="chips">
      {masked.map((column) => (
        <li key={column.name}>
          <code>{column.name}</code> <MaskBadge mask={column.masked ?? ""} />
        </li>
      ))}
    </ul>
  );
}

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
