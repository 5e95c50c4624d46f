// Results: rows, values, masks, charts, files, and how the page looks.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { signedIn } from "./desk.mjs";
import { root } from "./service.mjs";

const SIZES = [
  { name: "wide", width: 1280, height: 800 },
  { name: "narrow", width: 390, height: 844 },
];
const MASKED =
  "SELECT name, email, phone, card_number FROM customers ORDER BY customer_id LIMIT 50";
const MANY_COLUMNS = Array.from(
  { length: 60 },
  (_, at) => `i * ${at + 1} AS number_${at + 1}`,
).join(", ");

signedIn(
  "marks masked columns in the head, in the cells and in the receipt",
  async (person) => {
    await person.run(MASKED);
    const head = await person.page
      .getByRole("columnheader", { name: /email/ })
      .innerText();
    const row = await person.row(1);
    const cells = await person.page
      .locator('.grid-row[aria-rowindex="2"] .cell.masked')
      .count();
    await person.tab("Receipt");
    const masks = await person.page
      .locator(".receipt section", { hasText: "Masks" })
      .innerText();

    assert.match(head, /masked: hash/);
    assert.match(row[1], /^[0-9a-f]{64}$/);
    assert.equal(row[2], "***");
    assert.match(row[3], /^\*\*\*\d{4}$/);
    assert.equal(cells, 3);
    assert.match(masks, /card_number\s*masked:\s*partial/);
  },
);

signedIn(
  "scrolls through 100,000 rows of 60 columns with few of them in the page",
  async (person) => {
    const { page } = person;
    await person.run(
      `SELECT ${MANY_COLUMNS} FROM range(1, 100001) t(i) ORDER BY i`,
    );
    const frames = await page.evaluate(scrollThrough);
    const cells = await page.locator(".cell").count();
    await page.locator(".grid").press("Control+End");
    const last = (await person.row(100_000)).at(-1);
    const sorted = frames.toSorted((a, b) => a - b);
    const [median, slow] = [
      sorted[frames.length >> 1],
      sorted[Math.floor(frames.length * 0.95)],
    ];
    console.log(
      `# scrolling: ${frames.length} frames, median ${median.toFixed(1)} ms, 95th percentile ${slow.toFixed(1)} ms`,
    );

    assert.equal(last, "6000000");
    assert.ok(cells < 1_000, `${cells} cells in the page`);
    assert.ok(median < 100, `median frame of ${median} ms`);
  },
);

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

signedIn(
  "reaches every row where there are more than a browser can scroll over",
  async (person) => {
    await person.run("SELECT i FROM range(2000000) t(i)");
    await person.page.locator(".grid").press("Control+End");
    assert.deepEqual(await person.row(2_000_000), ["1999999"]);

    await person.page.keyboard.press("PageUp");
    await person.page.keyboard.press("ArrowUp");
    const active = await person.page
      .locator(".grid")
      .getAttribute("aria-activedescendant");
    assert.match(active, /^cell-19999\d\d-0$/);
    await person.page.locator(`#${active}`).waitFor();
    assert.equal(
      await person.page.locator(`#${active}`).innerText(),
      active.split("-")[1],
    );
  },
);

signedIn(
  "shows values as exact as they are, and NULL as NULL",
  async (person) => {
    await person.run(`SELECT 9007199254740993 AS big, (-0.05)::DECIMAL(12,2) AS money, NULL AS nothing, 'NULL' AS text,
    TIMESTAMP '2026-02-18 10:30:00.123456' AS plain, TIMESTAMPTZ '2026-02-18 10:30:00+02' AS zoned`);
    const isNull = person.page.locator(
      '.grid-row[aria-rowindex="2"] .cell.null',
    );

    assert.deepEqual(await person.row(1), [
      "9007199254740993",
      "-0.05",
      "NULL",
      "NULL",
      "2026-02-18 10:30:00.123456",
      "2026-02-18 08:30:00+00:00",
    ]);
    assert.equal(await isNull.count(), 1);
    assert.match(
      await person.page
        .getByRole("columnheader", { name: /zoned/ })
        .innerText(),
      /TIMESTAMPTZ/,
    );
  },
);

signedIn("sorts by a column, NULLs last, and back", async (person) => {
  await person.run(
    "SELECT * FROM (VALUES (2, 'b'), (10, NULL), (1, 'a')) t(n, s)",
  );
  const head = person.page.getByRole("columnheader", { name: /^n/ });
  const column = async () => [
    (await person.row(1))[0],
    (await person.row(2))[0],
    (await person.row(3))[0],
  ];
  await head.getByRole("button").click();
  const up = await column();
  await head.getByRole("button").click();
  const down = await column();
  await person.page
    .getByRole("columnheader", { name: /^s/ })
    .getByRole("button")
    .click();
  const texts = await person.row(3);

  assert.deepEqual(up, ["1", "2", "10"]);
  assert.deepEqual(down, ["10", "2", "1"]);
  assert.deepEqual(texts, ["10", "NULL"]);
});

signedIn(
  "shows a whole nested value, and moves by keyboard",
  async (person) => {
    await person.run(
      "SELECT 1 AS a, {'name': 'x', 'list': [1, NULL]} AS nested",
    );
    await person.page.locator(".grid").focus();
    await person.page.keyboard.press("ArrowDown");
    await person.page.keyboard.press("ArrowRight");
    const value = await person.page.locator(".inspector pre").innerText();

    assert.deepEqual(JSON.parse(value), { name: "x", list: [1, null] });
  },
);

signedIn(
  "shows the beginning of a long value in the table, and all of it below",
  async (person) => {
    await person.run(
      "SELECT long, range(5000) AS list FROM (SELECT string_agg('ä', '') AS long FROM range(200000)), range(100)",
    );
    const [long, list] = await person.row(1);
    await person.page.locator("#cell-0-0").click();
    const whole = await person.page.locator(".inspector pre").innerText();

    assert.equal(long, `${"ä".repeat(300)}…`);
    assert.match(list, /^\[0, 1, 2, .*299, …\]$/);
    assert.equal(whole, "ä".repeat(200_000));
  },
);

signedIn("draws bars, one for each value", async (person) => {
  await person.run(
    "SELECT region, sum(revenue) AS revenue FROM sales GROUP BY region ORDER BY region",
  );
  await person.tab("Chart");
  await person.page.locator(".plot .bar").nth(4).waitFor();
  const bars = await person.page.locator(".plot .bar").count();
  const ticks = await person.page.locator(".plot .axis").nth(1).textContent();
  await person.page.locator(".plot .bar").first().hover();

  assert.equal(bars, 5);
  assert.match(ticks, /Africa/);
  assert.match(
    await person.page.locator(".plot .hint").textContent(),
    /Africa/,
  );
});

signedIn(
  "draws a line for each value of the column that splits it",
  async (person) => {
    await person.run(
      "SELECT date_trunc('month', sale_date) AS month, product, revenue FROM sales",
    );
    await person.tab("Chart");
    await person.page.getByLabel("split by").selectOption("product");
    await person.page
      .locator(".plot .line")
      .nth(3)
      .waitFor({ state: "attached" });
    const legend = await person.page.locator(".legend li").allInnerTexts();

    assert.deepEqual(legend.toSorted(), [
      "Atlas",
      "Borealis",
      "Cirrus",
      "Drift",
    ]);
    assert.equal(await person.page.locator(".plot .line").count(), 4);
  },
);

signedIn("saves the result as CSV and as Arrow", async (person) => {
  await person.run(
    "SELECT 1 AS n, 'a,\"b\"' AS s, NULL AS nothing, '' AS empty",
  );
  const saved = async (name) => {
    const download = person.page.waitForEvent("download");
    await person.page.getByRole("button", { name }).click();
    return readFileSync(await (await download).path());
  };

  assert.equal(
    String(await saved("CSV")),
    'n,s,nothing,empty\n1,"a,""b""",,""\n',
  );
  assert.equal((await saved("Arrow")).readUInt32LE(0), 0xffffffff);
});

for (const { name, ...size } of SIZES) {
  for (const dark of [false, true]) {
    const look = `${name}-${dark ? "dark" : "light"}`;
    signedIn(
      `fits, reads well and is accessible: ${look}`,
      (person) => looksRight(person, look, size),
      { ...size, dark },
    );
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
  const overflow = await person.page.evaluate(
    () => document.documentElement.scrollWidth - innerWidth,
  );
  if (width < 760) {
    await person.page
      .getByRole("button", { name: "Tables and recent queries" })
      .click();
    await person.page
      .getByRole("button", { name: "customers", exact: true })
      .click();
    await person.page.keyboard.press("Escape");
  }

  assert.deepEqual(faults, []);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
}
