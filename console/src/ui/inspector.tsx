import { SPREAD } from "../arrow/cells";
import type { Column } from "../result";
import { CopyButton } from "./copy";
import { Icon } from "./icons";
import { whole } from "./numbers";

interface Props {
  readonly column: Column;
  readonly row: number;
  readonly shown: number;
  readonly onClose: () => void;
}

/** The whole value of the chosen cell. */
export function Inspector({ column, row, shown, onClose }: Props) {
  const text = column.text(row, SPREAD);
  return (
    <aside class="inspector" aria-label="Value of the chosen cell" aria-live="polite">
      <div class="inspector-head">
        <strong class="name">{column.name}</strong>
        <span class="type">{column.type}</span>
        {column.masked && <span class="masked-note">masked: {column.masked}</span>}
        <span class="quiet small">row {whole(shown + 1)}</span>
        <span class="spring" />
        <CopyButton text={() => column.text(row) ?? ""} label="Copy the value" />
        <button type="button" class="icon-button" aria-label="Close the value" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <pre class={text === null ? "null" : ""}>{text ?? "NULL"}</pre>
    </aside>
  );
}
