// Headless Chromium, and the console as a person uses it. Every page notes what its policy blocks.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./service.mjs";

const console_ = createRequire(join(root, "console", "package.json"));
const { chromium } = console_("playwright-core");

const PROGRAMS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const program =
    process.env.CHROMIUM ?? PROGRAMS.find((path) => existsSync(path));
  assert.ok(
    program,
    "no Chromium: `make test-console` installs it, or set CHROMIUM to one",
  );
  return chromium.launch({ executablePath: program, args: QUIET });
}

/** Open the console in a context of its own. */
export async function openConsole(
  browser,
  url,
  { width = 1280, height = 800, dark = false, deviceScaleFactor = 1 } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    deviceScaleFactor,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const seen = { violations: [], errors: [], requests: [] };
  await page.exposeFunction("noteViolation", (text) =>
    seen.violations.push(text),
  );
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      globalThis.noteViolation(
        `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
      ),
    );
  });
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => seen.requests.push(request));
  await page.goto(url);
  return new Person(page, context, seen);
}

/** What a person does with the console, and sees of it. */
export class Person {
  constructor(page, context, seen) {
    Object.assign(this, { page, context, seen });
  }

  async signIn(key) {
    await this.page.getByLabel("API key").fill(key);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async signedIn(key) {
    await this.signIn(key);
    await this.page.getByRole("button", { name: "Run" }).waitFor();
    return this;
  }

  async write(sql) {
    await this.page.locator(".cm-content").click();
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.press("Delete");
    await this.page.keyboard.insertText(sql);
    await this.page.keyboard.press("Escape");
  }

  /** Write *sql*, press Control and Enter, and wait until something came of it. */
  async run(sql) {
    await this.write(sql);
    const before = await this.page.locator(".recent li").count();
    await this.page.keyboard.press("Control+Enter");
    await this.page.waitForFunction(
      (count) => document.querySelectorAll(".recent li").length > count,
      before,
    );
    await this.page.locator(".outcome[aria-busy=false]").waitFor();
  }

  tab(name) {
    return this.page.getByRole("tab", { name }).click();
  }

  summary() {
    return this.page.locator(".summary").innerText();
  }

  problem() {
    return this.page.getByRole("alert").innerText();
  }

  /** The texts of a row of the table, by its number. */
  async row(number) {
    const row = this.page.locator(`.grid-row[aria-rowindex="${number + 1}"]`);
    await row.waitFor();
    return row.locator(".cell").allInnerTexts();
  }

  /** What axe, the usual judge of accessible pages, has against this one. */
  async faults() {
    const axe = readFileSync(console_.resolve("axe-core/axe.min.js"), "utf8");
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map((node) => node.target.join(" "))
          .slice(0, 4)
          .join(", ")}`,
    );
  }

  /** Leave; fails if the page broke, if its policy blocked anything, or if it asked another host. */
  async leave() {
    const origin = new URL(this.page.url()).origin;
    const elsewhere = this.seen.requests
      .map((request) => request.url())
      .filter((url) => !url.startsWith(origin) && !url.startsWith("blob:"));
    await this.context.close();
    assert.deepEqual(this.seen.violations, []);
    assert.deepEqual(this.seen.errors, []);
    assert.deepEqual(elsewhere, []);
  }
}
