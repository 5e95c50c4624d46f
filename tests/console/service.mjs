// A real service with the sample data, on ports that the system chooses, for the tests of the console.

import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const python = join(root, ".venv", "bin", "python");

const PORTS = ["http", "mcp", "flight", "health", "metrics"].flatMap((name) => [
  `--${name}-port`,
  "0",
]);
const START_SECONDS = 60;

/** Start `hati serve` in a new home; dev mode is on, as it is after `hati init`. */
export async function startService() {
  const home = mkdtempSync(join(tmpdir(), "hati-console-"));
  hati(home, "init", "--demo", "--no-start");
  const output = join(home, "output.txt");
  const sink = openSync(output, "w");
  const child = spawn(
    python,
    ["-m", "hatidata_agent", "serve", "--home", home, ...PORTS],
    {
      cwd: root,
      stdio: ["ignore", sink, sink],
    },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  const endpoints = await announced(
    join(home, "run", "endpoints.json"),
    child,
    output,
  );
  return {
    url: `${endpoints.mcp}/`,
    metrics: endpoints.metrics,
    flightPid: () =>
      JSON.parse(readFileSync(join(home, "run", "flight.json"), "utf8")).pid,
    key: (...options) => hati(home, "keys", "create", ...options).trim(),
    stop,
    remove: async () => {
      if (child.exitCode === null) await stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function hati(home, ...args) {
  return execFileSync(
    python,
    ["-m", "hatidata_agent", "--home", home, ...args],
    {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
}

async function announced(file, child, output) {
  for (let waited = 0; waited < START_SECONDS * 10; waited++) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGKILL");
  throw new Error(
    `the service did not start:\n${readFileSync(output, "utf8").slice(-3000)}`,
  );
}

/** How many queries the service says are running. */
export async function runningQueries(metrics) {
  const text = await (await fetch(metrics)).text();
  return Number(/^hatidata_running_queries\S* (\S+)$/m.exec(text)[1]);
}

/** How many queries have ended with *code*, as the service counts them. */
export async function endedQueries(metrics, code) {
  const text = await (await fetch(metrics)).text();
  const counts = [...text.matchAll(/^hatidata_queries_total\{(.*)\} (\S+)$/gm)];
  return counts
    .filter(([, labels]) => labels.includes(`"${code}"`))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
