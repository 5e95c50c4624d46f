/** The rows of a result: only those in view exist in the page, however many there are. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { SHORT } from "../arrow/cells";
import type { Column, Result } from "../result";
import { copied } from "./copy";
import { GridHead } from "./grid-head";
import {
  areaHeight,
  columnsInView,
  edgesOf,
  HEAD,
  px,
  realTop,
  revealing,
  ROW,
  rowsInView,
  scrollTopFor,
  widthsOf,
  type Slice,
} from "./grid-geometry";
import { Inspector } from "./inspector";
import { whole } from "./numbers";
import { MOST_SORTED, nextSort, orderBy, type Sort } from "./sorting";

const OVER = 6;

interface Place {
  readonly row: number;
  readonly column: number;
}

interface Scrolled {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

export function Grid({ result }: { result: Result }) {
  const { columns, rows } = result;
  const grid = useGrid(result);
  const { frame, active, edges, gutter, slice } = grid;
  return (
    <div class="grid-area">
      <div
        ref={frame}
        class="grid"
        role="grid"
        tabIndex={0}
        aria-label={`Result, ${whole(rows)} rows`}
        aria-rowcount={rows + 1}
        aria-colcount={columns.length}
        aria-activedescendant={active ? cellId(active.row, active.column) : undefined}
        onScroll={grid.follow}
        onKeyDown={grid.press}
        onWheel={grid.wheel}
      >
        <div
          class="grid-canvas"
          style={{ width: px(gutter + edges[edges.length - 1]!), height: px(HEAD + areaHeight(rows)) }}
        >
          <GridHead
            columns={columns}
            range={grid.range}
            edges={edges}
            gutter={gutter}
            sort={grid.sort}
            sortable={rows <= MOST_SORTED}
            onSort={(column) => grid.setSort(nextSort(grid.sort, column))}
            onWidth={grid.setWidth}
          />
          <Rows
            result={result}
            slice={slice}
            range={grid.range}
            edges={edges}
            gutter={gutter}
            active={active}
            rowAt={grid.rowAt}
            onPick={grid.setActive}
          />
        </div>
        {rows === 0 && <p class="no-rows quiet">No rows.</p>}
      </div>
      {active && (
        <Inspector
          column={columns[active.column]!}
          row={grid.rowAt(active.row)}
          shown={active.row}
          onClose={() => {
            grid.setActive(null);
            frame.current?.focus();
          }}
        />
      )}
    </div>
  );
}

function useGrid(result: Result) {
  const { columns, rows } = result;
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<Scrolled>({ top: 0, left: 0, width: 0, height: 0 });
  const [active, setActive] = useState<Place | null>(null);
  const [sort, setSort] = useState<Sort | null>(null);
  const [widths, setWidths] = useState(() => widthsOf(columns, rows));
  const edges = useMemo(() => edgesOf(widths), [widths]);
  const order = useMemo(
    () => (sort === null ? null : orderBy(columns[sort.column]!, rows, sort.descending)),
    [sort, result],
  );
  const gutter = 18 + Math.max(2, whole(rows).length) * 6.5;
  const body = Math.max(0, view.height - HEAD);
  const rowAt = (shown: number) => (order === null ? shown : order[shown]!);
  useMeasured(frame, setView);
  useLayoutEffect(() => {
    if (active) reveal(frame.current!, active, edges, rows, gutter, body);
  }, [active, body]);

  function press(event: KeyboardEvent) {
    if ((event.ctrlKey || event.metaKey) && event.key === "c") {
      if (active && String(getSelection()) === "")
        void copied(columns[active.column]!.text(rowAt(active.row)) ?? "");
      return;
    }
    const place = moved(active, event, rows, columns.length, Math.max(1, Math.floor(body / ROW) - 1));
    if (place === null || event.target !== frame.current) return;
    event.preventDefault();
    setActive(place);
  }

  /** In a scaled area the wheel still moves by rows, not by thousands of them. */
  function wheel(event: WheelEvent) {
    const box = frame.current!;
    if (rows * ROW <= areaHeight(rows) || event.deltaY === 0 || event.ctrlKey) return;
    event.preventDefault();
    box.scrollTop = scrollTopFor(realTop(box.scrollTop, rows, body) + event.deltaY, rows, body);
  }

  return {
    frame,
    active,
    setActive,
    sort,
    setSort,
    edges,
    gutter,
    rowAt,
    press,
    wheel,
    slice: rowsInView(view.top, rows, body, OVER),
    range: columnsInView(edges, view.left, view.left + view.width),
    follow: () => setView(scrolled(frame.current!)),
    setWidth: (column: number, width: number) =>
      setWidths(widths.map((old, at) => (at === column ? width : old))),
  };
}

function reveal(
  box: HTMLElement,
  place: Place,
  edges: readonly number[],
  rows: number,
  gutter: number,
  body: number,
): void {
  box.scrollTop = revealing(place.row, box.scrollTop, rows, body);
  const [left, right] = [edges[place.column]!, edges[place.column + 1]!];
  const room = box.clientWidth - gutter;
  if (left < box.scrollLeft) box.scrollLeft = left;
  else if (right > box.scrollLeft + room) box.scrollLeft = Math.min(left, right - room);
}

function cellId(row: number, column: number): string {
  return `cell-${row}-${column}`;
}

function scrolled(box: HTMLElement): Scrolled {
  return { top: box.scrollTop, left: box.scrollLeft, width: box.clientWidth, height: box.clientHeight };
}

function useMeasured(frame: { current: HTMLDivElement | null }, set: (view: Scrolled) => void) {
  useLayoutEffect(() => set(scrolled(frame.current!)), []);
  useEffect(() => {
    const observer = new ResizeObserver(() => frame.current && set(scrolled(frame.current)));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
}

/** Where a key leads from *active*, or null for keys that lead nowhere. */
function moved(
  active: Place | null,
  event: KeyboardEvent,
  rows: number,
  columns: number,
  page: number,
): Place | null {
  const { row, column } = active ?? { row: 0, column: 0 };
  const all = event.ctrlKey || event.metaKey;
  const targets: Record<string, Place> = {
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: active ? row + 1 : 0, column },
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: active ? column + 1 : 0 },
    PageUp: { row: row - page, column },
    PageDown: { row: row + page, column },
    Home: { row: all ? 0 : row, column: 0 },
    End: { row: all ? rows - 1 : row, column: columns - 1 },
  };
  const target = targets[event.key];
  if (target === undefined || rows === 0) return null;
  const within = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
  return { row: within(target.row, rows), column: within(target.column, columns) };
}

interface RowsProps {
  readonly result: Result;
  readonly slice: Slice;
  readonly range: readonly [number, number];
  readonly edges: readonly number[];
  readonly gutter: number;
  readonly active: Place | null;
  readonly rowAt: (shown: number) => number;
  readonly onPick: (place: Place) => void;
}

function Rows({ result, slice, range, edges, gutter, active, rowAt, onPick }: RowsProps) {
  const shownRows = Array.from({ length: slice.last - slice.first }, (_, at) => slice.first + at);
  return (
    <div class="grid-rows" role="rowgroup" style={{ transform: `translateY(${px(slice.top)})` }}>
      {shownRows.map((shown) => (
        <div key={shown} class="grid-row" role="row" aria-rowindex={shown + 2}>
          <span class="gutter" role="rowheader" style={{ width: px(gutter) }}>
            {whole(shown + 1)}
          </span>
          {result.columns.slice(...range).map((column, at) => (
            <Cell
              key={range[0] + at}
              column={column}
              row={rowAt(shown)}
              place={{ row: shown, column: range[0] + at }}
              left={gutter + edges[range[0] + at]!}
              width={edges[range[0] + at + 1]! - edges[range[0] + at]!}
              isActive={active?.row === shown && active.column === range[0] + at}
              onPick={onPick}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

interface CellProps {
  readonly column: Column;
  readonly row: number;
  readonly place: Place;
  readonly left: number;
  readonly width: number;
  readonly isActive: boolean;
  readonly onPick: (place: Place) => void;
}

function Cell({ column, row, place, left, width, isActive, onPick }: CellProps) {
  const text = column.text(row, SHORT);
  const look = [
    "cell",
    column.kind,
    column.masked ? "masked" : "",
    text === null ? "null" : "",
    isActive ? "active" : "",
  ];
  return (
    <div
      id={cellId(place.row, place.column)}
      class={look.filter(Boolean).join(" ")}
      role="gridcell"
      aria-colindex={place.column + 1}
      aria-selected={isActive}
      style={{ left: px(left), width: px(width) }}
      onClick={() => onPick(place)}
    >
      {text ?? "NULL"}
    </div>
  );
}
