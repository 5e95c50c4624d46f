// Looking at tables, asking, cancelling, and what is told of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { at, openAsAdministrator, signedIn, until } from "./desk.mjs";
import { runningQueries } from "./service.mjs";

const ENDLESS =
  "SELECT sum(hash(a.i + b.i)) FROM range(1000000000) a(i), range(1000000) b(i)";

signedIn("completes the names of tables", async ({ page }) => {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("SELECT * FROM cust");
  await page
    .locator(".cm-tooltip-autocomplete li[aria-selected]", {
      hasText: "customers",
    })
    .waitFor();
  await page.waitForTimeout(100);
  await page.keyboard.press("Enter");

  assert.equal(
    await page.locator(".cm-content").innerText(),
    "SELECT * FROM customers",
  );
});

test("shows a new table as soon as it is there, and how many rows a statement changed", async () => {
  const person = await openAsAdministrator();
  await person.run("CREATE TABLE tried_here (a INTEGER)");
  await person.page
    .getByRole("button", { name: "tried_here", exact: true })
    .waitFor();
  await person.run("INSERT INTO tried_here VALUES (1), (2)");
  const summary = await person.summary();
  await person.run("DROP TABLE tried_here");
  await person.page
    .getByRole("button", { name: "tried_here", exact: true })
    .waitFor({ state: "detached" });

  assert.match(summary, /2 rows affected/);
  await person.leave();
});

signedIn(
  "shows the tables that the key may see, and how their columns are masked",
  async ({ page }) => {
    const names = await page.locator(".table-name .name").allInnerTexts();
    await page.getByRole("button", { name: "customers", exact: true }).click();
    const email = await page
      .locator(".column-row", { hasText: "email" })
      .innerText();
    await page.getByLabel("Filter tables").fill("sal");
    const filtered = await page.locator(".table-name .name").allInnerTexts();

    assert.deepEqual(names.slice(0, 3), ["customers", "orders", "sales"]);
    assert.ok(!names.includes("salary_data"));
    assert.match(email, /masked:\s*hash/);
    assert.match(email, /VARCHAR/);
    assert.deepEqual(filtered, ["sales"]);
  },
);

signedIn(
  "shows rows of a table with one press",
  async ({ page, ...person }) => {
    await page.getByRole("button", { name: "Show rows of orders" }).click();
    await page.locator(".grid-row").first().waitFor();

    assert.match(await page.locator(".summary").innerText(), /100 rows/);
    assert.match(await page.locator(".cm-content").innerText(), /FROM orders/);
  },
);

signedIn(
  "tells the filters, the credits and the cache in the receipt",
  async (person) => {
    const sql =
      "SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status";
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
  },
);

signedIn(
  "tells an error with its code, its message and its query id, and lists it",
  async (person) => {
    await person.run("SELECT * FROM salary_data");
    const problem = await person.problem();
    await person.page.getByRole("button", { name: /Recent/ }).click();
    const recent = await person.page.locator(".recent li").first().innerText();

    assert.match(problem, /POLICY_DENIED/);
    assert.match(
      problem,
      /Agent 'report-bot' is not permitted to access table 'salary_data'/,
    );
    assert.match(problem, /qry_[0-9a-f]{24}/);
    assert.match(recent, /salary_data[\s\S]*POLICY_DENIED/);
  },
);

signedIn("runs only what is selected", async (person) => {
  await person.run("SELECT 1 AS one;\nSELECT 2 AS two");
  assert.match(
    await person.problem(),
    /QUERY_PARSE_ERROR|INVALID_REQUEST|QUERY_ERROR|POLICY_DENIED/,
  );

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

  assert.equal(
    await person.page.locator(".cm-content").innerText(),
    "SELECT 41 AS before",
  );
});

signedIn("cancels a running query in the service, too", async (person) => {
  await person.write(ENDLESS);
  await person.page.keyboard.press("Control+Enter");
  await person.page.getByRole("button", { name: /Cancel/ }).waitFor();
  await until(async () => (await runningQueries(at.service.metrics)) === 1);
  await person.page.getByRole("button", { name: /Cancel/ }).click();
  const problem = await person.problem();

  assert.match(problem, /QUERY_CANCELLED/);
  await until(async () => (await runningQueries(at.service.metrics)) === 0);
  await person.run("SELECT 42 AS answer");
  assert.deepEqual(await person.row(1), ["42"]);
});

signedIn("shows what the key has used", async (person) => {
  await person.run("SELECT 7 AS seven");
  await person.page.getByRole("button", { name: /used this month/ }).click();
  const dialog = person.page.getByRole("dialog", { name: "Usage this month" });
  const told = await dialog.innerText();

  assert.match(told, new RegExp(at.analyst.slice(0, 12)));
  assert.ok(Number(/Queries\s+(\d+)/.exec(told)[1]) >= 1);
  await person.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
});
