/** The heads of the columns: name, type, mask, order and width. */

import type { Column } from "../result";
import { Icon } from "./icons";
import { px } from "./grid-geometry";
import type { Sort } from "./sorting";

interface Props {
  readonly columns: readonly Column[];
  readonly range: readonly [number, number];
  readonly edges: readonly number[];
  readonly gutter: number;
  readonly sort: Sort | null;
  readonly sortable: boolean;
  readonly onSort: (column: number) => void;
  readonly onWidth: (column: number, width: number) => void;
}

const NARROWEST = 48;

export function GridHead({ columns, range, edges, gutter, sort, sortable, onSort, onWidth }: Props) {
  return (
    <div class="grid-head" role="row" aria-rowindex={1}>
      <span class="corner" role="presentation" style={{ width: px(gutter) }} />
      {columns.slice(...range).map((column, offset) => {
        const at = range[0] + offset;
        return (
          <HeadCell
            key={at}
            column={column}
            at={at}
            left={gutter + edges[at]!}
            width={edges[at + 1]! - edges[at]!}
            sort={sort?.column === at ? sort : null}
            sortable={sortable}
            onSort={() => onSort(at)}
            onWidth={(width) => onWidth(at, width)}
          />
        );
      })}
    </div>
  );
}

interface HeadProps {
  readonly column: Column;
  readonly at: number;
  readonly left: number;
  readonly width: number;
  readonly sort: Sort | null;
  readonly sortable: boolean;
  readonly onSort: () => void;
  readonly onWidth: (width: number) => void;
}

function HeadCell({ column, at, left, width, sort, sortable, onSort, onWidth }: HeadProps) {
  const direction = sort === null ? "none" : sort.descending ? "descending" : "ascending";
  return (
    <div
      class={`head-cell ${column.kind}`}
      role="columnheader"
      aria-colindex={at + 1}
      aria-sort={direction}
      style={{ left: px(left), width: px(width) }}
    >
      <button
        type="button"
        disabled={!sortable}
        title={sortable ? `Sort by ${column.name}` : `${column.name}: use ORDER BY for this many rows`}
        onClick={onSort}
      >
        <span class="head-name">
          {column.masked && <Icon name="lock" />}
          <span class="name">{column.name}</span>
          {sort !== null && <Icon name={sort.descending ? "down" : "up"} />}
        </span>
        <span class="head-type">
          {column.masked && <span class="masked-note">masked: {column.masked} </span>}
          {column.type}
        </span>
      </button>
      <span class="grip" aria-hidden="true" onPointerDown={(event) => dragWidth(event, width, onWidth)} />
    </div>
  );
}

function dragWidth(event: PointerEvent, width: number, onWidth: (width: number) => void) {
  const grip = event.currentTarget as HTMLElement;
  const start = event.clientX;
  const follow = (move: PointerEvent) => onWidth(Math.max(NARROWEST, width + move.clientX - start));
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", follow);
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", follow), { once: true });
}
