/** Quantities for people. */

const WHOLE = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const CREDITS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

export function counted(count: number, unit: string, plural = `${unit}s`): string {
  return `${WHOLE.format(count)} ${count === 1 ? unit : plural}`;
}

export function whole(count: number): string {
  return WHOLE.format(count);
}

/** A count for a narrow place: short from ten millions on. */
export function brief(count: number): string {
  return count < 1e7 ? whole(count) : SHORT.format(count);
}

export function credits(amount: number): string {
  return `${CREDITS.format(amount)} ${amount === 1 ? "credit" : "credits"}`;
}

export function milliseconds(time: number): string {
  return time < 10_000 ? `${WHOLE.format(Math.round(time))} ms` : `${(time / 1_000).toFixed(1)} s`;
}

export function byteSize(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = bytes < 1_000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const size = bytes / 1_000 ** power;
  return `${power === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[power]}`;
}
