/** Dates and times as text, exact to the nanosecond: JavaScript's own dates know milliseconds only. */

const DAY = 86_400n;
const INFINITE = 9_223_372_036_854_775_807n;
const INFINITE_DAYS = 2_147_483_647;

export function dateText(days: number): string {
  if (Math.abs(days) === INFINITE_DAYS) return days > 0 ? "infinity" : "-infinity";
  const [year, month, day] = civil(days);
  const shown = year > 0 ? String(year).padStart(4, "0") : String(1 - year).padStart(4, "0");
  return `${shown}-${two(month)}-${two(day)}${year > 0 ? "" : " (BC)"}`;
}

/** Proleptic Gregorian year, month and day of a day counted from 1970-01-01 (H. Hinnant's algorithm). */
function civil(days: number): [number, number, number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const inEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (inEra - Math.floor(inEra / 1_460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365,
  );
  const inYear = inEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * inYear + 2) / 153);
  const day = inYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

/** A moment in units since 1970; with a zone, as the clocks there show it, and with their offset from UTC. */
export function timestampText(value: bigint, perSecond: bigint, zone: string | null | undefined): string {
  if (value === INFINITE || value === -INFINITE) return value > 0n ? "infinity" : "-infinity";
  const seconds = floorDiv(value, perSecond);
  const offset = zone ? offsetSeconds(zone, seconds) : 0;
  const local = seconds + BigInt(offset);
  const days = floorDiv(local, DAY);
  const clock = clockText(value - seconds * perSecond, local - days * DAY, perSecond);
  return `${dateText(Number(days))} ${clock}${zone ? offsetText(offset) : ""}`;
}

export function timeText(value: bigint, perSecond: bigint): string {
  const seconds = floorDiv(value, perSecond);
  return clockText(value - seconds * perSecond, seconds, perSecond);
}

export function durationText(value: bigint, perSecond: bigint): string {
  return value < 0n ? `-${timeText(-value, perSecond)}` : timeText(value, perSecond);
}

export function intervalText(months: number, days: number, nanoseconds: bigint): string {
  const parts = [
    counted(Math.trunc(months / 12), "year"),
    counted(months % 12, "month"),
    counted(days, "day"),
    nanoseconds === 0n ? "" : durationText(nanoseconds, 1_000_000_000n),
  ];
  return parts.filter((part) => part !== "").join(" ") || "00:00:00";
}

function counted(count: number, unit: string): string {
  return count === 0 ? "" : `${count} ${unit}${Math.abs(count) === 1 ? "" : "s"}`;
}

/** The fraction in groups of three digits, as many as it needs. */
function clockText(fraction: bigint, seconds: bigint, perSecond: bigint): string {
  const clock = `${two(seconds / 3_600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  if (fraction === 0n) return clock;
  const digits = String(fraction).padStart(String(perSecond).length - 1, "0");
  return `${clock}.${digits.replace(/(000)+$/, "")}`;
}

function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const rest = size % 60 ? `:${two(size % 60)}` : "";
  return `${seconds < 0 ? "-" : "+"}${two(Math.floor(size / 3_600))}:${two(Math.floor(size / 60) % 60)}${rest}`;
}

const FORMATS = new Map<string, Intl.DateTimeFormat | null>();

/** Seconds by which the clocks of *zone* are ahead of UTC; 0 for a zone that the browser does not know. */
function offsetSeconds(zone: string, seconds: bigint): number {
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (fixed) return (fixed[1] === "-" ? -1 : 1) * (Number(fixed[2]) * 3_600 + Number(fixed[3]) * 60);
  const moment = Number(seconds) * 1_000;
  const format = formatOf(zone);
  if (format === null || Math.abs(moment) > 8.64e15) return 0;
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(moment)) part[type] = Number(value);
  const shown = Date.UTC(
    part["year"]!,
    part["month"]! - 1,
    part["day"]!,
    part["hour"]!,
    part["minute"]!,
    part["second"]!,
  );
  return part["year"]! < 100 || moment < -6e13 ? 0 : Math.round((shown - moment) / 1_000);
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  if (zone.toUpperCase() === "UTC") return null;
  if (!FORMATS.has(zone)) FORMATS.set(zone, made(zone));
  return FORMATS.get(zone) ?? null;
}

function made(zone: string): Intl.DateTimeFormat | null {
  const numeric = "numeric" as const;
  const fields = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  };
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      calendar: "gregory",
      ...fields,
    });
  } catch {
    return null;
  }
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function two(value: number | bigint): string {
  return String(value).padStart(2, "0");
}
