/** The line between editor and result, which pointer and arrow keys move. */

import { useRef, useState } from "preact/hooks";

const LEAST = 15;
const MOST = 80;

export function useSplit() {
  const first = window.innerWidth < 760 ? 28 : 38;
  const area = useRef<HTMLElement>(null);
  const [share, setShare] = useState(first);
  const set = (percent: number) => setShare(Math.min(MOST, Math.max(LEAST, percent)));

  function follow(event: PointerEvent) {
    const box = area.current!.getBoundingClientRect();
    set(((event.clientY - box.top) / box.height) * 100);
  }
  function grab(event: PointerEvent) {
    const target = event.currentTarget as HTMLElement;
    target.setPointerCapture(event.pointerId);
    target.addEventListener("pointermove", follow);
    target.addEventListener("pointerup", () => target.removeEventListener("pointermove", follow), {
      once: true,
    });
  }
  function move(event: KeyboardEvent) {
    const step = { ArrowUp: -3, ArrowDown: 3 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(share + step);
  }

  const handle = {
    role: "separator" as const,
    tabIndex: 0,
    "aria-label": "Height of the editor",
    "aria-orientation": "horizontal" as const,
    "aria-valuenow": Math.round(share),
    "aria-valuemin": LEAST,
    "aria-valuemax": MOST,
    onPointerDown: grab,
    onKeyDown: move,
  };
  return { area, share, handle };
}
