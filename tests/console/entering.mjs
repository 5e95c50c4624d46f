// Who gets in, what protects the key and the page, and what is told when the service is gone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { at, open, openAsAdministrator, signedIn, until } from "./desk.mjs";
import { endedQueries } from "./service.mjs";

test("refuses a wrong key with its code and query id", async () => {
  const person = await open();
  await person.signIn("hd_live_00000000000000000000000000000000");
  const problem = await person.problem();

  assert.match(problem, /UNAUTHORIZED/);
  assert.match(problem, /Invalid API key/);
  assert.match(problem, /qry_[0-9a-f]{24}/);
  assert.equal(
    await person.page.getByRole("button", { name: "Run" }).count(),
    0,
  );
  await person.leave();
});

test("lets in without a key in dev mode, as the administrator", async () => {
  const person = await open();
  await person.page
    .getByRole("button", { name: "Continue without a key" })
    .click();
  await person.page.getByText("dev mode, no key").waitFor();
  await person.run("SELECT count(*) AS people FROM salary_data");

  assert.deepEqual(await person.row(1), ["400"]);
  await person.leave();
});

test("refuses what no key can look like without sending it", async () => {
  const person = await open();
  await person.signIn("schlüssel");
  const asked = person.seen.requests.filter(
    (request) => request.method() === "POST",
  );

  assert.match(await person.problem(), /UNAUTHORIZED/);
  assert.deepEqual(asked, []);
  await person.leave();
});

test("lets a key in that may read nothing, and says so", async () => {
  const person = await open();
  await person.signedIn(
    at.service.key("--role", "auditor", "--agent", "inspector"),
  );
  await person.run("SELECT * FROM orders");

  assert.match(
    await person.page.locator(".schema-list").innerText(),
    /no table for this key/,
  );
  assert.match(await person.problem(), /POLICY_DENIED/);
  await person.leave();
});

test("can be used with the keyboard alone", async () => {
  const person = await open();
  const { keyboard } = person.page;
  await person.page.getByLabel("API key").waitFor();
  await keyboard.type(at.analyst);
  await keyboard.press("Enter");
  await person.page.locator(".cm-editor.cm-focused").waitFor();
  await keyboard.press("Control+A");
  await keyboard.type("SELECT 6 * 7 AS answer");
  await keyboard.press("Control+Enter");
  await person.page.getByRole("columnheader", { name: /answer/ }).waitFor();
  const stops = await tabStops(person.page, 14);

  assert.deepEqual(await person.row(1), ["42"]);
  for (const stop of [
    "Run",
    "Time limit",
    "Dialect",
    "Height of the editor",
    "Table",
    "Result, 1 rows",
  ]) {
    assert.ok(
      stops.some((name) => name.includes(stop)),
      `${stop} is not among ${stops}`,
    );
  }
  await person.leave();
});

/** The names of what has the focus, one press of Tab after the other. */
async function tabStops(page, count) {
  const stops = [];
  for (let at = 0; at < count; at++) {
    await page.keyboard.press("Tab");
    stops.push(
      await page.evaluate(() => {
        const { activeElement: found } = document;
        return found.getAttribute("aria-label") ?? found.textContent.trim();
      }),
    );
  }
  return stops;
}

signedIn(
  "keeps the key in memory only, and forgets it with the page",
  async ({ page, context, seen }) => {
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
    assert.deepEqual(
      [kept.local, kept.session, kept.cookie, kept.databases, kept.caches],
      ["{}", "{}", "", 0, 0],
    );
    assert.deepEqual(await context.cookies(), []);
    assert.ok(
      ![kept.address, kept.page, urls].some((text) =>
        text.includes(at.analyst),
      ),
    );

    await page.reload();
    assert.equal(await page.getByLabel("API key").inputValue(), "");
  },
);

test("blocks what somebody slips into the page: scripts, styles, and calls to other hosts", async () => {
  const person = await open();
  await person.page.getByLabel("API key").waitFor();
  const script = await person.page
    .evaluate(slipInScript)
    .catch((refused) => String(refused));
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
  return fetch(`${other}/health`).then(
    () => true,
    () => false,
  );
}

test("a statement that takes too long is sent once", async () => {
  const person = await openAsAdministrator();
  await person.run("SELECT 1 AS a");
  const before = await endedQueries(at.service.metrics, "QUERY_TIMEOUT");
  const status = await person.page.evaluate(async () => {
    const sql =
      "SELECT sum(hash(a.i + b.i)) FROM range(1000000000) a(i), range(1000000) b(i)";
    const answer = await fetch("v1/query/arrow", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sql, timeout_ms: 300 }),
    });
    return answer.status;
  });
  const after = await endedQueries(at.service.metrics, "QUERY_TIMEOUT");

  assert.equal(status, 408);
  assert.equal(after - before, 1);
  await person.leave();
});

test("says so when the Flight server dies, and goes on with the next one", async () => {
  const person = await open();
  await person.signedIn(at.analyst);
  const before = at.service.flightPid();
  process.kill(before, "SIGSTOP"); // so that it dies while the query waits for it
  const asked = person.run("SELECT 41");
  await new Promise((resolve) => setTimeout(resolve, 2000));
  process.kill(before, "SIGKILL");
  await asked;
  const problem = await person.problem();
  await until(async () => {
    const ready = await fetch(new URL("/ready", at.service.url));
    return ready.ok && at.service.flightPid() !== before;
  });
  await person.run("SELECT 42 AS answer");

  assert.match(problem, /SERVICE_UNAVAILABLE/);
  await person.page.getByText("42", { exact: true }).first().waitFor();
  await person.leave();
});

test("says so when the service is gone, and when it comes to signing in", async () => {
  const person = await open();
  const late = await open();
  await person.signedIn(at.analyst);
  await at.service.stop();
  await person.run("SELECT 1");
  await late.signIn(at.analyst);

  assert.match(await person.problem(), /NO_CONNECTION[\s\S]*does not answer/);
  assert.match(await late.problem(), /NO_CONNECTION/);
  await person.leave();
  await late.leave();
});
