// Builds the console into a folder of static files: `node build.mjs [FOLDER]`.
// The same lock gives the same files, byte for byte: names carry content hashes, and nothing depends on
// the clock or on where the repository is. `make check-console` holds it to that.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "..", "http_gateway", "console"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  outdir: out,
  entryNames: "console-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const built = Object.keys(metafile.outputs).map((path) => basename(path));
const icon = hashed("icon", "svg", readFileSync(join(here, "src", "icon.svg")));
const page = readFileSync(join(here, "src", "index.html"), "utf8")
  .replace("STYLE", named(built, ".css"))
  .replace("SCRIPT", named(built, ".js"))
  .replace("ICON", icon);
writeFileSync(join(out, "index.html"), page);
writeFileSync(join(out, "NOTICE.txt"), notice(Object.keys(metafile.inputs)));

function named(files, suffix) {
  const found = files.filter((file) => file.endsWith(suffix));
  if (found.length !== 1) throw new Error(`expected one ${suffix} file, found ${found.length}`);
  return found[0];
}

function hashed(name, suffix, content) {
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const file = `${name}-${digest}.${suffix}`;
  writeFileSync(join(out, file), content);
  return file;
}

/** Name, version, licence and the licence's text of every package of which something is in the bundle. */
function notice(inputs) {
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== null));
  const parts = [...folders].sort().map((folder) => {
    const about = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const texts = readdirSync(join(here, folder))
      .filter((file) => /^(licen[sc]e|notice)/i.test(file))
      .sort()
      .map((file) => readFileSync(join(here, folder, file), "utf8").trim());
    if (texts.length === 0) throw new Error(`${about.name} has no licence text`);
    return [`${about.name} ${about.version} (${about.license})`, ...texts].join("\n\n");
  });
  const line = `\n\n${"-".repeat(100)}\n\n`;
  const head = "The console contains software of others, under these licences.";
  return [head, ...parts].join(line).replace(/\r\n/g, "\n") + "\n";
}

function packageFolder(input) {
  const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  return found ? found[1] : null;
}
