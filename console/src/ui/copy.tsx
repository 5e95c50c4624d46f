import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icons";

export function CopyButton({ text, label }: { text: string | (() => string); label: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 1_500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      aria-label={done ? "Copied" : label}
      onClick={() => void copied(typeof text === "string" ? text : text()).then(setDone)}
    >
      <Icon name={done ? "check" : "copy"} />
    </button>
  );
}

/** Copy *text*; pages that are not on a secure origin have no clipboard but the old one. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text);
  }
}

function copiedByHand(text: string): boolean {
  const area = document.createElement("textarea");
  const before = document.activeElement;
  area.value = text;
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
