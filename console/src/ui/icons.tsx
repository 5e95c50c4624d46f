const PATHS = {
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
  view: "M1.5 8s2.4-4.2 6.5-4.2S14.5 8 14.5 8s-2.4 4.2-6.5 4.2S1.5 8 1.5 8ZM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6Z",
  chart: "M2.5 2.5v11h11M5.5 10.5v-3M8.5 10.5v-6M11.5 10.5v-4",
  receipt:
    "M3.5 1.8v12.4l1.6-1 1.5 1L8 13.2l1.4 1 1.5-1 1.6 1V1.8l-1.6 1-1.5-1-1.4 1-1.4-1-1.5 1zM6 6.2h4M6 9.2h4",
  lock: "M4 7h8v6.5H4zM5.6 7V5.2a2.4 2.4 0 0 1 4.8 0V7",
  filter: "M2 3h12l-4.6 5.4v4.4l-2.8-1.4v-3z",
  play: "M5 3.2 12.4 8 5 12.8z",
  stop: "M4 4h8v8H4z",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  check: "m3 8.4 3.2 3.2L13 4.8",
  close: "m4 4 8 8M12 4l-8 8",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  chevron: "m6 4 4 4-4 4",
  refresh: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.6h-2.6",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  up: "M8 12.5v-9M4.5 7 8 3.5 11.5 7",
  down: "M8 3.5v9M4.5 9 8 12.5 11.5 9",
  bolt: "M9 1.8 3.5 9H7l-.8 5.2L12 7H8.4z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <path d="M20.6 6.4a10 10 0 1 0 5 13.4A8.4 8.4 0 0 1 20.6 6.4Z" class="logo-moon" />
      <circle cx="22.6" cy="11.4" r="1.7" class="logo-moon" />
    </svg>
  );
}
