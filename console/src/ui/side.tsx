import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { RecentQueries, type Entry } from "./recent";

/** Tables, and recent queries; on a narrow page it slides over the rest. */
export function Side(props: {
  shown: boolean;
  entries: readonly Entry[];
  onPick: (sql: string) => void;
  onLeave: () => void;
  children: ComponentChildren;
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
