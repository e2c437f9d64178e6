// A page that is left open keeps up with the fleet and takes nothing from its reader.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { LAPTOP, PHONE, eventually, picture, visit } from './support/browser.js';
import { known } from './support/known.js';
import { idsOf } from './support/table.js';
import { sql } from './world/database.js';
import { coderd } from './world/coderd.js';
import { serve } from './world/exporter.js';
import { gate } from './world/gate.js';

/** The page asks every five seconds, and what it gets may be five seconds old. */
const SOON = 14;

let way;
let coder;
let served;
let port;
const start = async () => {
  const url = `postgres://live_exporter@127.0.0.1:${way.port}/live`;
  served = await serve(url, { port, args: [`--coder.url=${coder.url}`] });
  port = Number(new URL(served.origin).port);
};

before(async () => {
  way = await gate(`${known.folder}/.s.PGSQL.5432`);
  coder = await coderd();
  await start();
});
after(async () => {
  await served?.end();
  way?.end();
  coder?.end();
});

const change = (text) => sql(known.folder, 'live', text);
const idOf = (number) => change(`SELECT md5('agent ${number}')::uuid`);
const lose = (id) => change(`UPDATE workspace_agents SET disconnected_at = now(), last_connected_at = now() WHERE id = '${id}'`);
const heal = (id) => change(`UPDATE workspace_agents SET disconnected_at = NULL, last_connected_at = now() WHERE id = '${id}'`);

test('rows come and go while scroll, focus, selection and opened details stay', () =>
  visit(`${served.origin}/`, async (page) => {
    // A healthy one: the first 24 have problems.
    const lost = await idOf(40);
    const before = await idsOf(page);
    assert.ok(!before.includes(lost));
    await page.getByText('All templates').click();
    const kept = before[9];
    const row = page.locator(`tr[data-key="${kept}"]`);
    await row.getByRole('link').last().focus();
    await row.scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollBy(0, 40));
    await page.evaluate((key) => {
      window.marked = document.querySelector(`tr[data-key="${key}"]`);
      getSelection().selectAllChildren(window.marked.querySelector('th'));
    }, kept);
    const state = () => page.evaluate(() => ({
      scroll: scrollY,
      top: Math.round(window.marked.getBoundingClientRect().top),
      focus: document.activeElement.getAttribute('href'),
      selection: String(getSelection()),
      isSameRow: window.marked.isConnected,
      isOpen: document.querySelector('.where ~ details').open,
    }));
    const asBefore = await state();
    assert.ok(asBefore.scroll > 0 && asBefore.selection && asBefore.isOpen);
    await lose(lost);
    await eventually(async () => (await idsOf(page)).includes(lost), true, SOON);
    assert.equal(await page.title(), '29 problems · Coder agents');
    const { top: _, scroll: __, ...stays } = await state();
    const { top: ___, scroll: ____, ...stayed } = asBefore;
    assert.deepEqual(stays, stayed);
    assert.ok(Math.abs((await state()).top - asBefore.top) <= 2, 'what is read does not move');
    await page.locator('#announcement').filter({ hasText: '29 of' }).waitFor({ state: 'attached' });
    await heal(lost);
    await eventually(async () => (await idsOf(page)).includes(lost), false, SOON);
    assert.equal((await state()).isSameRow, true);
  }));

test('text that is half typed stays, and so does its caret', () =>
  visit(`${served.origin}/`, async (page, seen) => {
    const find = page.locator('[data-find]');
    await find.fill('ad');
    await page.waitForURL(/q=ad#problems$/);
    await page.keyboard.press('ArrowLeft');
    const asked = seen.requests.length;
    await eventually(async () => seen.requests.length > asked, true, SOON);
    await page.waitForTimeout(300);
    const field = await find.evaluate((it) => [it.value, it.selectionStart, it === document.activeElement]);
    assert.deepEqual(field, ['ad', 1, true]);
  }));

test('what goes on being shown goes on getting older', () =>
  visit(`${served.origin}/?sort=-since`, async (page, seen) => {
    const ages = () => page.locator('#problems td.since').first().innerText();
    const before = await ages();
    const asked = seen.requests.length;
    await eventually(async () => (await ages()) !== before, true, 3);
    assert.equal(seen.requests.length, asked, 'without asking');
  }));

test('a page that is paused, or that nobody sees, does not ask', () =>
  visit(`${served.origin}/`, async (page, seen) => {
    await page.getByRole('button', { name: 'Pause' }).click();
    let asked = seen.requests.length;
    await page.waitForTimeout(6_500);
    assert.equal(seen.requests.length, asked, 'paused');
    await page.getByRole('button', { name: 'Paused' }).click();
    await eventually(async () => seen.requests.length > asked, true);
    await hide(page, true);
    await page.waitForTimeout(500);
    asked = seen.requests.length;
    await page.waitForTimeout(6_500);
    assert.equal(seen.requests.length, asked, 'hidden');
    await hide(page, false);
    await eventually(async () => seen.requests.length > asked, true);
  }));

/** A browser without a screen hides no page: the page hears what it would hear from one that does. */
const hide = (page, isHidden) => page.evaluate((it) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => it });
  document.dispatchEvent(new Event('visibilitychange'));
}, isHidden);

test('when the exporter has stopped the page says so, and goes on when it is back', () =>
  visit(`${served.origin}/`, async (page) => {
    const problems = await page.title();
    await served.end();
    const trouble = page.locator('#trouble');
    await trouble.filter({ hasText: /^The exporter has not answered since \d/ }).waitFor({ timeout: SOON * 1000 });
    assert.equal(await page.title(), 'Exporter does not answer · Coder agents');
    assert.match(await page.locator('h1').innerText(), /^Unknown: the exporter does not answer\. .* ago: .* have a problem$/);
    assert.equal(await page.locator('h1').getAttribute('class'), 'verdict unknown');
    await picture(page, 'no-answer-laptop-light');
    assert.ok((await idsOf(page)).length > 0, 'what was known can still be read');
    await start();
    await trouble.waitFor({ state: 'hidden', timeout: 25_000 });
    assert.equal(await page.title(), problems);
    assert.equal(await page.locator('h1').getAttribute('class'), 'verdict bad');
  }, { expected: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/ }));

test('while Coder does not answer the page says so, whatever the rows say', () =>
  visit(`${served.origin}/`, async (page) => {
    coder.end();
    await page.locator('h1').filter({ hasText: /^Coder does not answer this exporter: / }).waitFor({ timeout: 45_000 });
    assert.equal(await page.locator('h1').getAttribute('class'), 'verdict bad');
    assert.equal(await page.title(), 'Coder does not answer · Coder agents');
    const { port: place } = new URL(coder.url);
    coder = await coderd(Number(place));
    await page.locator('h1').filter({ hasText: /have a problem$/ }).waitFor({ timeout: 45_000 });
  }));

test('when every coderd has gone silent the page says since when Coder is down', () =>
  visit(`${served.origin}/`, async (page) => {
    await change(`UPDATE workspace_agents SET last_connected_at = now() - interval '40 s'
                      WHERE last_connected_at > now() - interval '40 s';
                  INSERT INTO replicas (id, started_at, updated_at)
                      VALUES (md5('coderd')::uuid, now() - interval '1 hour', now() - interval '2 min')`);
    await page.locator('h1').filter({ hasText: /^Coder has been down since \d\d:\d\d UTC: it crashed, or cannot reach its database$/ })
      .waitFor({ timeout: 45_000 });
    assert.equal(await page.locator('h1').getAttribute('class'), 'verdict bad');
    assert.equal(await page.title(), 'Coder is down · Coder agents');
    for (const [name, size] of [['laptop', LAPTOP], ['phone', PHONE]]) {
      await page.setViewportSize(size);
      await picture(page, `coder-down-${name}-light`);
    }
    await change('DELETE FROM replicas');
    await page.locator('h1').filter({ hasText: /have a problem$/ }).waitFor({ timeout: 45_000 });
  }));

test('data of more than two scrapes ago is not called well or ill', () =>
  visit(`${served.origin}/`, async (page) => {
    await page.clock.install();
    await page.reload();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.clock.fastForward(50_000);
    assert.equal(await page.locator('h1').getAttribute('class'), 'verdict bad');
    await page.clock.fastForward(15_000);
    await page.locator('h1').filter({ hasText: /^Unknown: this page is not refreshed\. 1m .* ago: / }).waitFor();
    assert.equal(await page.title(), 'Old data · Coder agents');
  }));

test('when the database is gone the page says unknown, not that all is well', () =>
  visit(`${served.origin}/`, async (page) => {
    assert.match(await page.locator('h1').innerText(), /have a problem$/);
    way.close();
    await page.locator('h1').filter({ hasText: /^Unknown since \d\d:\d\d UTC: the database does not answer$/ }).waitFor({ timeout: 25_000 });
    assert.equal(await page.title(), 'Unknown · Coder agents');
    assert.deepEqual(await idsOf(page), []);
    assert.match(await page.locator('.last-known h2').innerText(), /^The last known fleet, .* ago, at \d\d:\d\d UTC$/);
    assert.equal(await page.locator('.legend a, svg.bar').count(), 0);
    assert.match(await page.locator('.top .advice').innerText(), /^Do: Check that the database runs/);
    const next = page.locator('[data-next]');
    await next.filter({ hasText: /^The next try is in [1-5] s\.$/ }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await next.filter({ hasText: 'This page is paused.' }).waitFor();
    await page.getByRole('button', { name: 'Paused' }).click();
    await picture(page, 'unknown-laptop-light');
    await page.setViewportSize(PHONE);
    await picture(page, 'unknown-phone-light');
    assert.equal(await page.locator('#pause').isVisible(), true);
    way.open();
    await page.locator('h1').filter({ hasText: /have a problem$/ }).waitFor({ timeout: 25_000 });
    await page.getByRole('button', { name: 'Pause' }).click();
    assert.equal(await page.getByRole('button', { name: 'Paused' }).getAttribute('aria-pressed'), 'true');
  }));
