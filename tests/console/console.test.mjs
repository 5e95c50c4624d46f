// The console as people use it: a real browser against a real service with the sample data.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, openConsole } from "./browser.mjs";
import { root, runningQueries, startService } from "./service.mjs";

const SIZES = [
  { name: "wide", width: 1280, height: 800 },
  { name: "narrow", width: 390, height: 844 },
];
const MASKED = "SELECT name, email, phone, card_number FROM customers ORDER BY customer_id LIMIT 50";
const ENDLESS = "SELECT sum(hash(a.i + b.i)) FROM range(1000000000) a(i), range(1000000) b(i)";
const MANY_COLUMNS = Array.from({ length: 60 }, (_, at) => `i * ${at + 1} AS number_${at + 1}`).join(", ");

let service;
let browser;
let analyst;

before(async () => {
  service = await startService();
  analyst = service.key("--role", "analyst", "--agent", "report-bot");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await service?.remove();
});

/** A test that opens the console, signed in as an analyst, and that fails if anything was blocked or broke. */
function signedIn(name, act, options) {
  test(name, async () => {
    const person = await openConsole(browser, service.url, options);
    await person.signedIn(analyst);
    await act(person);
    await person.leave();
  });
}

test("refuses a wrong key with its code and query id", async () => {
  const person = await openConsole(browser, service.url);
  await person.signIn("hd_live_00000000000000000000000000000000");
  const problem = await person.problem();

  assert.match(problem, /UNAUTHORIZED/);
  assert.match(problem, /Invalid API key/);
  assert.match(problem, /qry_[0-9a-f]{24}/);
  assert.equal(await person.page.getByRole("button", { name: "Run" }).count(), 0);
  await person.leave();
});

test("lets in without a key in dev mode, as the administrator", async () => {
  const person = await openConsole(browser, service.url);
  await person.page.getByRole("button", { name: "Continue without a key" }).click();
  await person.page.getByText("dev mode, no key").waitFor();
  await person.run("SELECT count(*) AS people FROM salary_data");

  assert.deepEqual(await person.row(1), ["400"]);
  await person.leave();
});

test("refuses what no key can look like without sending it", async () => {
  const person = await openConsole(browser, service.url);
  await person.signIn("schlüssel");
  const asked = person.seen.requests.filter((request) => request.method() === "POST");

  assert.match(await person.problem(), /UNAUTHORIZED/);
  assert.deepEqual(asked, []);
  await person.leave();
});

test("lets a key in that may read nothing, and says so", async () => {
  const person = await openConsole(browser, service.url);
  await person.signedIn(service.key("--role", "auditor", "--agent", "inspector"));
  await person.run("SELECT * FROM orders");

  assert.match(await person.page.locator(".schema-list").innerText(), /no table for this key/);
  assert.match(await person.problem(), /POLICY_DENIED/);
  await person.leave();
});

test("can be used with the keyboard alone", async () => {
  const person = await openConsole(browser, service.url);
  const { keyboard } = person.page;
  await person.page.getByLabel("API key").waitFor();
  await keyboard.type(analyst);
  await keyboard.press("Enter");
  await person.page.locator(".cm-editor.cm-focused").waitFor();
  await keyboard.press("Control+A");
  await keyboard.type("SELECT 6 * 7 AS answer");
  await keyboard.press("Control+Enter");
  await person.page.getByRole("columnheader", { name: /answer/ }).waitFor();
  const stops = await tabStops(person.page, 14);

  assert.deepEqual(await person.row(1), ["42"]);
  for (const stop of ["Run", "Time limit", "Dialect", "Height of the editor", "Table", "Result, 1 rows"]) {
    assert.ok(stops.some((name) => name.includes(stop)), `${stop} is not among ${stops}`);
  }
  await person.leave();
});

/** The names of what has the focus, one press of Tab after the other. */
async function tabStops(page, count) {
  const stops = [];
  for (let at = 0; at < count; at++) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => {
      const { activeElement: found } = document;
      return found.getAttribute("aria-label") ?? found.textContent.trim();
    }));
  }
  return stops;
}

signedIn("completes the names of tables", async ({ page }) => {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("SELECT * FROM cust");
  await page.locator(".cm-tooltip-autocomplete li[aria-selected]", { hasText: "customers" }).waitFor();
  await page.waitForTimeout(100);
  await page.keyboard.press("Enter");

  assert.equal(await page.locator(".cm-content").innerText(), "SELECT * FROM customers");
});

test("shows a new table as soon as it is there, and how many rows a statement changed", async () => {
  const person = await openConsole(browser, service.url);
  await person.page.getByRole("button", { name: "Continue without a key" }).click();
  await person.page.getByRole("button", { name: "Run" }).waitFor();
  await person.run("CREATE TABLE tried_here (a INTEGER)");
  await person.page.getByRole("button", { name: "tried_here", exact: true }).waitFor();
  await person.run("INSERT INTO tried_here VALUES (1), (2)");
  const summary = await person.summary();
  await person.run("DROP TABLE tried_here");
  await person.page.getByRole("button", { name: "tried_here", exact: true }).waitFor({ state: "detached" });

  assert.match(summary, /2 rows affected/);
  await person.leave();
});

signedIn("shows the tables that the key may see, and how their columns are masked", async ({ page }) => {
  const names = await page.locator(".table-name .name").allInnerTexts();
  await page.getByRole("button", { name: "customers", exact: true }).click();
  const email = await page.locator(".column-row", { hasText: "email" }).innerText();
  await page.getByLabel("Filter tables").fill("sal");
  const filtered = await page.locator(".table-name .name").allInnerTexts();

  assert.deepEqual(names.slice(0, 3), ["customers", "orders", "sales"]);
  assert.ok(!names.includes("salary_data"));
  assert.match(email, /masked:\s*hash/);
  assert.match(email, /VARCHAR/);
  assert.deepEqual(filtered, ["sales"]);
});

signedIn("shows rows of a table with one press", async ({ page, ...person }) => {
  await page.getByRole("button", { name: "Show rows of orders" }).click();
  await page.locator(".grid-row").first().waitFor();

  assert.match(await page.locator(".summary").innerText(), /100 rows/);
  assert.match(await page.locator(".cm-content").innerText(), /FROM orders/);
});

signedIn("marks masked columns in the head, in the cells and in the receipt", async (person) => {
  await person.run(MASKED);
  const head = await person.page.getByRole("columnheader", { name: /email/ }).innerText();
  const row = await person.row(1);
  const cells = await person.page.locator('.grid-row[aria-rowindex="2"] .cell.masked').count();
  await person.tab("Receipt");
  const masks = await person.page.locator(".receipt section", { hasText: "Masks" }).innerText();

  assert.match(head, /masked: hash/);
  assert.match(row[1], /^[0-9a-f]{64}$/);
  assert.equal(row[2], "***");
  assert.match(row[3], /^\*\*\*\d{4}$/);
  assert.equal(cells, 3);
  assert.match(masks, /card_number\s*masked:\s*partial/);
});

signedIn("tells the filters, the credits and the cache in the receipt", async (person) => {
  const sql = "SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status";
  await person.run(sql);
  const first = await person.summary();
  await person.run(sql);
  const second = await person.summary();
  await person.tab("Receipt");
  const receipt = await person.page.locator(".receipt").innerText();

  assert.match(first, /4 rows.* 3 credits/);
  assert.match(first, /1 row filter/);
  assert.match(second, /0\.1 credits\s+cached/);
  assert.match(receipt, /main\.orders/);
  assert.match(receipt, /Result cache\s*hit/);
  assert.match(receipt, /qry_[0-9a-f]{24}/);
});

signedIn("tells an error with its code, its message and its query id, and lists it", async (person) => {
  await person.run("SELECT * FROM salary_data");
  const problem = await person.problem();
  await person.page.getByRole("button", { name: /Recent/ }).click();
  const recent = await person.page.locator(".recent li").first().innerText();

  assert.match(problem, /POLICY_DENIED/);
  assert.match(problem, /Agent 'report-bot' is not permitted to access table 'salary_data'/);
  assert.match(problem, /qry_[0-9a-f]{24}/);
  assert.match(recent, /salary_data[\s\S]*POLICY_DENIED/);
});

signedIn("runs only what is selected", async (person) => {
  await person.run("SELECT 1 AS one;\nSELECT 2 AS two");
  assert.match(await person.problem(), /QUERY_PARSE_ERROR|INVALID_REQUEST|QUERY_ERROR|POLICY_DENIED/);

  await person.page.locator(".cm-content").press("Control+End");
  await person.page.keyboard.press("Shift+Home");
  await person.page.keyboard.press("Control+Enter");
  await person.page.getByRole("columnheader", { name: /two/ }).waitFor();
  assert.deepEqual(await person.row(1), ["2"]);
});

signedIn("puts a recent query back into the editor", async (person) => {
  await person.run("SELECT 41 AS before");
  await person.run("SELECT 42 AS after");
  await person.page.getByRole("button", { name: /Recent/ }).click();
  await person.page.locator(".recent button").nth(1).click();

  assert.equal(await person.page.locator(".cm-content").innerText(), "SELECT 41 AS before");
});

signedIn("scrolls through 100,000 rows of 60 columns with few of them in the page", async (person) => {
  const { page } = person;
  await person.run(`SELECT ${MANY_COLUMNS} FROM range(1, 100001) t(i) ORDER BY i`);
  const frames = await page.evaluate(scrollThrough);
  const cells = await page.locator(".cell").count();
  await page.locator(".grid").press("Control+End");
  const last = (await person.row(100_000)).at(-1);
  const sorted = frames.toSorted((a, b) => a - b);
  const [median, slow] = [sorted[frames.length >> 1], sorted[Math.floor(frames.length * 0.95)]];
  console.log(`# scrolling: ${frames.length} frames, median ${median.toFixed(1)} ms, 95th percentile ${slow.toFixed(1)} ms`);

  assert.equal(last, "6000000");
  assert.ok(cells < 1_000, `${cells} cells in the page`);
  assert.ok(median < 100, `median frame of ${median} ms`);
});

/** Scroll down the table by a screen for each frame, and return how long each frame took. */
async function scrollThrough() {
  const grid = document.querySelector(".grid");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const times = [];
  let last = await frame();
  for (let at = 0; at < 120; at++) {
    grid.scrollTop += 400 + at * 300;
    grid.scrollLeft += 20;
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  return times;
}

signedIn("reaches every row where there are more than a browser can scroll over", async (person) => {
  await person.run("SELECT i FROM range(2000000) t(i)");
  await person.page.locator(".grid").press("Control+End");
  assert.deepEqual(await person.row(2_000_000), ["1999999"]);

  await person.page.keyboard.press("PageUp");
  await person.page.keyboard.press("ArrowUp");
  const active = await person.page.locator(".grid").getAttribute("aria-activedescendant");
  assert.match(active, /^cell-19999\d\d-0$/);
  await person.page.locator(`#${active}`).waitFor();
  assert.equal(await person.page.locator(`#${active}`).innerText(), active.split("-")[1]);
});

signedIn("shows values as exact as they are, and NULL as NULL", async (person) => {
  await person.run(`SELECT 9007199254740993 AS big, (-0.05)::DECIMAL(12,2) AS money, NULL AS nothing, 'NULL' AS text,
    TIMESTAMP '2026-02-18 10:30:00.123456' AS plain, TIMESTAMPTZ '2026-02-18 10:30:00+02' AS zoned`);
  const isNull = person.page.locator('.grid-row[aria-rowindex="2"] .cell.null');

  assert.deepEqual(await person.row(1), [
    "9007199254740993", "-0.05", "NULL", "NULL", "2026-02-18 10:30:00.123456", "2026-02-18 08:30:00+00:00",
  ]);
  assert.equal(await isNull.count(), 1);
  assert.match(await person.page.getByRole("columnheader", { name: /zoned/ }).innerText(), /TIMESTAMPTZ/);
});

signedIn("sorts by a column, NULLs last, and back", async (person) => {
  await person.run("SELECT * FROM (VALUES (2, 'b'), (10, NULL), (1, 'a')) t(n, s)");
  const head = person.page.getByRole("columnheader", { name: /^n/ });
  const column = async () => [(await person.row(1))[0], (await person.row(2))[0], (await person.row(3))[0]];
  await head.getByRole("button").click();
  const up = await column();
  await head.getByRole("button").click();
  const down = await column();
  await person.page.getByRole("columnheader", { name: /^s/ }).getByRole("button").click();
  const texts = await person.row(3);

  assert.deepEqual(up, ["1", "2", "10"]);
  assert.deepEqual(down, ["10", "2", "1"]);
  assert.deepEqual(texts, ["10", "NULL"]);
});

signedIn("shows a whole nested value, and moves by keyboard", async (person) => {
  await person.run("SELECT 1 AS a, {'name': 'x', 'list': [1, NULL]} AS nested");
  await person.page.locator(".grid").focus();
  await person.page.keyboard.press("ArrowDown");
  await person.page.keyboard.press("ArrowRight");
  const value = await person.page.locator(".inspector pre").innerText();

  assert.deepEqual(JSON.parse(value), { name: "x", list: [1, null] });
});

signedIn("shows the beginning of a long value in the table, and all of it below", async (person) => {
  await person.run("SELECT long, range(5000) AS list FROM (SELECT string_agg('ä', '') AS long FROM range(200000)), range(100)");
  const [long, list] = await person.row(1);
  await person.page.locator("#cell-0-0").click();
  const whole = await person.page.locator(".inspector pre").innerText();

  assert.equal(long, `${"ä".repeat(300)}…`);
  assert.match(list, /^\[0, 1, 2, .*299, …\]$/);
  assert.equal(whole, "ä".repeat(200_000));
});

signedIn("draws bars, one for each value", async (person) => {
  await person.run("SELECT region, sum(revenue) AS revenue FROM sales GROUP BY region ORDER BY region");
  await person.tab("Chart");
  await person.page.locator(".plot .bar").nth(4).waitFor();
  const bars = await person.page.locator(".plot .bar").count();
  const ticks = await person.page.locator(".plot .axis").nth(1).textContent();
  await person.page.locator(".plot .bar").first().hover();

  assert.equal(bars, 5);
  assert.match(ticks, /Africa/);
  assert.match(await person.page.locator(".plot .hint").textContent(), /Africa/);
});

signedIn("draws a line for each value of the column that splits it", async (person) => {
  await person.run("SELECT date_trunc('month', sale_date) AS month, product, revenue FROM sales");
  await person.tab("Chart");
  await person.page.getByLabel("split by").selectOption("product");
  await person.page.locator(".plot .line").nth(3).waitFor({ state: "attached" });
  const legend = await person.page.locator(".legend li").allInnerTexts();

  assert.deepEqual(legend.toSorted(), ["Atlas", "Borealis", "Cirrus", "Drift"]);
  assert.equal(await person.page.locator(".plot .line").count(), 4);
});

signedIn("cancels a running query in the service, too", async (person) => {
  await person.write(ENDLESS);
  await person.page.keyboard.press("Control+Enter");
  await person.page.getByRole("button", { name: /Cancel/ }).waitFor();
  await until(async () => (await runningQueries(service.metrics)) === 1);
  await person.page.getByRole("button", { name: /Cancel/ }).click();
  const problem = await person.problem();

  assert.match(problem, /QUERY_CANCELLED/);
  await until(async () => (await runningQueries(service.metrics)) === 0);
  await person.run("SELECT 42 AS answer");
  assert.deepEqual(await person.row(1), ["42"]);
});

async function until(holds) {
  for (let waited = 0; waited < 100; waited++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("not within 10 seconds");
}

signedIn("shows what the key has used", async (person) => {
  await person.run("SELECT 7 AS seven");
  await person.page.getByRole("button", { name: /used this month/ }).click();
  const dialog = person.page.getByRole("dialog", { name: "Usage this month" });
  const told = await dialog.innerText();

  assert.match(told, new RegExp(analyst.slice(0, 12)));
  assert.ok(Number(/Queries\s+(\d+)/.exec(told)[1]) >= 1);
  await person.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
});

signedIn("keeps the key in memory only, and forgets it with the page", async ({ page, context, seen }) => {
  const kept = await page.evaluate(async () => ({
    local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage),
    cookie: document.cookie,
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    address: location.href + JSON.stringify(history.state),
    page: document.documentElement.outerHTML,
  }));
  const urls = seen.requests.map((request) => request.url()).join();
  assert.deepEqual([kept.local, kept.session, kept.cookie, kept.databases, kept.caches], ["{}", "{}", "", 0, 0]);
  assert.deepEqual(await context.cookies(), []);
  assert.ok(![kept.address, kept.page, urls].some((text) => text.includes(analyst)));

  await page.reload();
  assert.equal(await page.getByLabel("API key").inputValue(), "");
});

test("blocks what somebody slips into the page: scripts, styles, and calls to other hosts", async () => {
  const person = await openConsole(browser, service.url);
  await person.page.getByLabel("API key").waitFor();
  const script = await person.page.evaluate(slipInScript).catch((refused) => String(refused));
  const called = await person.page.evaluate(slipInTheRest);
  await until(() => person.seen.violations.length >= 2);

  assert.match(script, /TrustedScriptURL/);
  assert.equal(called, false);
  assert.match(person.seen.violations.join(), /style-src/);
  assert.match(person.seen.violations.join(), /connect-src/);
  await person.context.close();
});

function slipInScript() {
  const script = document.createElement("script");
  script.src = "data:text/javascript,globalThis.slipped=true";
  document.body.append(script);
}

async function slipInTheRest() {
  const style = document.createElement("style");
  style.textContent = "body { display: none }";
  document.head.append(style);
  const other = location.origin.replace("127.0.0.1", "localhost");
  return fetch(`${other}/health`).then(() => true, () => false);
}

signedIn("saves the result as CSV and as Arrow", async (person) => {
  await person.run("SELECT 1 AS n, 'a,\"b\"' AS s, NULL AS nothing, '' AS empty");
  const saved = async (name) => {
    const download = person.page.waitForEvent("download");
    await person.page.getByRole("button", { name }).click();
    return readFileSync(await (await download).path());
  };

  assert.equal(String(await saved("CSV")), 'n,s,nothing,empty\n1,"a,""b""",,""\n');
  assert.equal((await saved("Arrow")).readUInt32LE(0), 0xffffffff);
});

for (const { name, ...size } of SIZES) {
  for (const dark of [false, true]) {
    const look = `${name}-${dark ? "dark" : "light"}`;
    signedIn(`fits, reads well and is accessible: ${look}`, (person) => looksRight(person, look, size), { ...size, dark });
  }
}

async function looksRight(person, look, { width }) {
  const folder = join(root, "build", "console-screenshots");
  mkdirSync(folder, { recursive: true });
  await person.run(MASKED);
  const faults = await person.faults();
  await person.page.screenshot({ path: join(folder, `${look}-table.png`) });
  for (const view of ["Chart", "Receipt"]) {
    await person.tab(view);
    faults.push(...(await person.faults()));
  }
  await person.page.screenshot({ path: join(folder, `${look}-receipt.png`) });
  const overflow = await person.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (width < 760) {
    await person.page.getByRole("button", { name: "Tables and recent queries" }).click();
    await person.page.getByRole("button", { name: "customers", exact: true }).click();
    await person.page.keyboard.press("Escape");
  }

  assert.deepEqual(faults, []);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
}

test("says so when the service is gone, and when it comes to signing in", async () => {
  const person = await openConsole(browser, service.url);
  const late = await openConsole(browser, service.url);
  await person.signedIn(analyst);
  await service.stop();
  await person.run("SELECT 1");
  await late.signIn(analyst);

  assert.match(await person.problem(), /NO_CONNECTION[\s\S]*does not answer/);
  assert.match(await late.problem(), /NO_CONNECTION/);
  await person.leave();
  await late.leave();
});
