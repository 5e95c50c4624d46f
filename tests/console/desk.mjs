// What all tests in a browser share: one service, one browser, and people who are signed in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openConsole } from "./browser.mjs";
import { startService } from "./service.mjs";

/** The service, the browser, and an analyst's key; there once the tests begin. */
export const at = {};

before(async () => {
  at.service = await startService();
  at.analyst = at.service.key("--role", "analyst", "--agent", "report-bot");
  at.browser = await launch();
});

after(async () => {
  await at.browser?.close();
  await at.service?.remove();
});

export function open(options) {
  return openConsole(at.browser, at.service.url, options);
}

export async function openAsAdministrator() {
  const person = await open();
  await person.page
    .getByRole("button", { name: "Continue without a key" })
    .click();
  await person.page.getByRole("button", { name: "Run" }).waitFor();
  return person;
}

/** A test of an analyst who is signed in; it fails if the page broke or anything was blocked. */
export function signedIn(name, act, options) {
  test(name, async () => {
    const person = await open(options);
    await person.signedIn(at.analyst);
    await act(person);
    await person.leave();
  });
}

export async function until(holds) {
  for (let waited = 0; waited < 100; waited++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("not within 10 seconds");
}
