/** The rows of a result: only those in view exist in the page, however many there are. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Column, Result } from "../result";
import { copied, CopyButton } from "./copy";
import { Icon } from "./icons";
import {
  areaHeight, columnsInView, edgesOf, realTop, revealing, ROW, rowsInView, scrollTopFor, widthsOf,
} from "./grid-geometry";
import { whole } from "./numbers";
import { MOST_SORTED, orderBy, type Sort } from "./sorting";

const HEAD = 46;
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
  const gutter = 22 + Math.max(2, String(rows).length) * 8;
  useMeasured(frame, setView);

  const body = Math.max(0, view.height - HEAD);
  const slice = rowsInView(view.top, rows, body, OVER);
  const [from, to] = columnsInView(edges, view.left, view.left + view.width);
  const rowAt = (shown: number) => (order === null ? shown : order[shown]!);

  function moveTo(place: Place) {
    const box = frame.current!;
    setActive(place);
    box.scrollTop = revealing(place.row, box.scrollTop, rows, body);
    const [left, right] = [edges[place.column]!, edges[place.column + 1]!];
    const room = box.clientWidth - gutter;
    if (left < box.scrollLeft) box.scrollLeft = left;
    else if (right > box.scrollLeft + room) box.scrollLeft = Math.min(left, right - room);
  }

  function press(event: KeyboardEvent) {
    if ((event.ctrlKey || event.metaKey) && event.key === "c" && active && !String(getSelection())) {
      void copied(columns[active.column]!.text(rowAt(active.row)) ?? "");
      return;
    }
    const place = moved(active, event, rows, columns.length, Math.max(1, Math.floor(body / ROW) - 1));
    if (place === null) return;
    event.preventDefault();
    moveTo(place);
  }

  function wheel(event: WheelEvent) {
    const box = frame.current!;
    if (rows * ROW <= areaHeight(rows) || event.deltaY === 0 || event.ctrlKey) return;
    event.preventDefault();
    const real = realTop(box.scrollTop, rows, body) + event.deltaY;
    box.scrollTop = scrollTopFor(real, rows, body);
  }

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
        onScroll={() => setView(scrolled(frame.current!))}
        onKeyDown={press}
        onWheel={wheel}
      >
        <div class="grid-canvas" style={{ width: px(gutter + edges[edges.length - 1]!), height: px(HEAD + areaHeight(rows)) }}>
          <div class="grid-head" role="row" aria-rowindex={1}>
            <span class="corner" style={{ width: px(gutter) }} />
            {columns.slice(from, to).map((column, at) => (
              <HeadCell
                key={from + at}
                column={column}
                position={from + at}
                left={gutter + edges[from + at]!}
                width={widths[from + at]!}
                sort={sort?.column === from + at ? sort : null}
                sortable={rows <= MOST_SORTED}
                onSort={() => setSort(nextSort(sort, from + at))}
                onWidth={(width) => setWidths(widths.map((old, one) => (one === from + at ? width : old)))}
              />
            ))}
          </div>
          <div class="grid-rows" style={{ transform: `translateY(${px(slice.top)})` }}>
            {Array.from({ length: slice.last - slice.first }, (_, at) => slice.first + at).map((shown) => (
              <div key={shown} class={shown % 2 ? "grid-row odd" : "grid-row"} role="row" aria-rowindex={shown + 2}>
                <span class="gutter" role="rowheader" style={{ width: px(gutter) }}>
                  {whole(shown + 1)}
                </span>
                {columns.slice(from, to).map((column, at) => (
                  <Cell
                    key={from + at}
                    column={column}
                    row={rowAt(shown)}
                    shown={shown}
                    position={from + at}
                    left={gutter + edges[from + at]!}
                    width={widths[from + at]!}
                    isActive={active?.row === shown && active.column === from + at}
                    onPick={setActive}
                  />
                ))}
              </div>
            ))}
          </div>
        </div>
        {rows === 0 && <p class="no-rows quiet">No rows.</p>}
      </div>
      {active && (
        <Inspector column={columns[active.column]!} row={rowAt(active.row)} shown={active.row} onClose={() => setActive(null)} />
      )}
    </div>
  );
}

function px(length: number): string {
  return `${length}px`;
}

function cellId(row: number, column: number): string {
  return `cell-${row}-${column}`;
}

function nextSort(sort: Sort | null, column: number): Sort | null {
  if (sort?.column !== column) return { column, descending: false };
  return sort.descending ? null : { column, descending: true };
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
function moved(active: Place | null, event: KeyboardEvent, rows: number, columns: number, page: number): Place | null {
  const { row, column } = active ?? { row: 0, column: 0 };
  const whole = event.ctrlKey || event.metaKey;
  const targets: Record<string, Place> = {
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: active ? row + 1 : 0, column },
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: active ? column + 1 : 0 },
    PageUp: { row: row - page, column },
    PageDown: { row: row + page, column },
    Home: { row: whole ? 0 : row, column: 0 },
    End: { row: whole ? rows - 1 : row, column: columns - 1 },
  };
  const target = targets[event.key];
  if (target === undefined || rows === 0) return null;
  const within = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
  return { row: within(target.row, rows), column: within(target.column, columns) };
}

interface HeadProps {
  readonly column: Column;
  readonly position: number;
  readonly left: number;
  readonly width: number;
  readonly sort: Sort | null;
  readonly sortable: boolean;
  readonly onSort: () => void;
  readonly onWidth: (width: number) => void;
}

function HeadCell({ column, position, left, width, sort, sortable, onSort, onWidth }: HeadProps) {
  const direction = sort === null ? "none" : sort.descending ? "descending" : "ascending";
  return (
    <div
      class={`head-cell ${column.kind}`}
      role="columnheader"
      aria-colindex={position + 1}
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
          {column.type}
          {column.masked && <span class="masked-note"> masked: {column.masked}</span>}
        </span>
      </button>
      <span class="grip" aria-hidden="true" onPointerDown={(event) => dragWidth(event, width, onWidth)} />
    </div>
  );
}

function dragWidth(event: PointerEvent, width: number, onWidth: (width: number) => void) {
  const grip = event.currentTarget as HTMLElement;
  const start = event.clientX;
  const follow = (move: PointerEvent) => onWidth(Math.max(48, width + move.clientX - start));
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", follow);
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", follow), { once: true });
}

interface CellProps {
  readonly column: Column;
  readonly row: number;
  readonly shown: number;
  readonly position: number;
  readonly left: number;
  readonly width: number;
  readonly isActive: boolean;
  readonly onPick: (place: Place) => void;
}

const LONGEST_SHOWN = 300;

function Cell({ column, row, shown, position, left, width, isActive, onPick }: CellProps) {
  const text = column.text(row);
  const look = ["cell", column.kind, column.masked ? "masked" : "", text === null ? "null" : "", isActive ? "active" : ""];
  return (
    <div
      id={cellId(shown, position)}
      class={look.filter(Boolean).join(" ")}
      role="gridcell"
      aria-colindex={position + 1}
      aria-selected={isActive}
      style={{ left: px(left), width: px(width) }}
      onClick={() => onPick({ row: shown, column: position })}
    >
      {text === null ? "NULL" : text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}
    </div>
  );
}

/** The whole value of the chosen cell. */
function Inspector(props: { column: Column; row: number; shown: number; onClose: () => void }) {
  const { column } = props;
  const text = column.text(props.row, 2);
  return (
    <aside class="inspector" aria-label="Value of the chosen cell" aria-live="polite">
      <div class="inspector-head">
        <strong class="name">{column.name}</strong>
        <span class="type">{column.type}</span>
        {column.masked && <span class="masked-note">masked: {column.masked}</span>}
        <span class="quiet small">row {whole(props.shown + 1)}</span>
        <span class="spring" />
        <CopyButton text={text ?? ""} label="Copy the value" />
        <button type="button" class="icon-button" aria-label="Close the value" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </div>
      <pre class={text === null ? "null" : ""}>{text ?? "NULL"}</pre>
    </aside>
  );
}
