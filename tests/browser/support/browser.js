// A fresh browser window for each test, and what must never happen in any.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { known } from './known.js';

export const LAPTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

let browser;
before(async () => {
  browser = await chromium.connect(known.browser);
});
after(() => browser?.close());

/**
 * Opens an address in a window of its own and gives it to `look`. Afterwards nothing may have
 * gone wrong there: nothing in the console, no exception, no dialog, no request that left the
 * origin. `expected` fits what the console may say.
 */
export async function visit(address, look, { expected = null, ...options } = {}) {
  const context = await browser.newContext({ viewport: LAPTOP, colorScheme: 'light', ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const seen = watch(page, new URL(address).origin, expected);
  try {
    seen.response = await page.goto(address);
    await look(page, seen);
    assert.deepEqual(seen.wrong, []);
  } finally {
    await context.close();
  }
}

function watch(page, origin, expected) {
  const seen = { wrong: [], requests: [], response: null };
  const wrong = (what) => {
    if (!expected?.test(what)) seen.wrong.push(what);
  };
  page.on('console', (it) => {
    if (['error', 'warning', 'assert'].includes(it.type())) wrong(`console: ${it.text()}`);
  });
  page.on('pageerror', (it) => wrong(`exception: ${it.message}`));
  page.on('dialog', (it) => {
    wrong(`dialog: ${it.message()}`);
    it.dismiss().catch(() => {});
  });
  page.on('request', (it) => {
    seen.requests.push(it.url());
    if (new URL(it.url()).origin !== origin) wrong(`request: ${it.url()}`);
  });
  return seen;
}

/** Keeps a picture of what is there, for people to look at. */
export const picture = (page, name, options = {}) =>
  page.screenshot({ path: fileURLToPath(new URL(`../../../target/pages/${name}.png`, import.meta.url)), ...options });

/** Waits until `look` gives what is expected; else says what it gave. */
export async function eventually(look, expected, seconds = 20) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    try {
      assert.deepEqual(found, expected);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
