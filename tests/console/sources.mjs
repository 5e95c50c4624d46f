// The console's own modules, and results to try them on: Arrow streams that pyarrow wrote.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { python, root } from "./service.mjs";

const { build } = createRequire(join(root, "console", "package.json"))(
  "esbuild",
);
const RECEIPT = { queryId: "", rowFilters: [] };
const WRITE = `
import datetime as dt, decimal, pyarrow as pa

def write(name, table):
    with pa.ipc.new_stream(name + ".arrows", table.schema) as writer:
        writer.write_table(table, max_chunksize=30_000)
`;

/** Import `modules` of console/src, and write `tables`, which are Python expressions by name. */
export async function prepared(modules, tables) {
  const folder = mkdtempSync(join(tmpdir(), "hati-sources-"));
  const written = Object.entries(tables).map(
    ([name, table]) => `write("${name}", ${table})`,
  );
  execFileSync(python, ["-c", `${WRITE}\n${written.join("\n")}`], {
    cwd: folder,
  });
  const contents = modules
    .map((name) => `export * from "./${name}";`)
    .join("\n");
  const outfile = join(folder, "modules.mjs");
  const stdin = { contents, resolveDir: join(root, "console", "src") };
  await build({
    stdin,
    outfile,
    bundle: true,
    format: "esm",
    logLevel: "error",
  });
  const found = await import(pathToFileURL(outfile).href);
  return {
    ...found,
    result: (name) =>
      found.Result.of(
        new Uint8Array(readFileSync(join(folder, `${name}.arrows`))),
        RECEIPT,
      ),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
