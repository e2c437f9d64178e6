// Filter, sort, show more, share, go back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually, visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, countOf, idsOf, rowsOf } from './support/table.js';

const origin = known.small;
const ids = (rows) => rows.map((it) => it.id).sort();
const shown = (page) => async () => (await idsOf(page)).sort();
const query = (page) => decodeURIComponent(new URL(page.url()).search);

test('filters narrow the table as they are chosen, and the address says so', () =>
  visit(`${origin}/`, async (page) => {
    const all = await agents(origin);
    const chip = (name) => page.locator('.chip').filter({ hasText: name });
    await chip('disconnected').click();
    await eventually(shown(page), ids(all.filter((it) => it.health === 'disconnected')));
    await chip('start error').click();
    const both = all.filter((it) => ['disconnected', 'start_error'].includes(it.health));
    await eventually(shown(page), ids(both));
    assert.equal(query(page), '?health=disconnected,start_error');
    await page.locator('select[name=template]').selectOption('kubernetes');
    const narrow = both.filter((it) => it.template === 'kubernetes');
    await eventually(shown(page), ids(narrow));
    await page.locator('select[name=organization]').selectOption('umbrella');
    await eventually(shown(page), ids(narrow.filter((it) => it.organization === 'umbrella')));
    assert.equal(query(page), '?organization=umbrella&template=kubernetes&health=disconnected,start_error');
    await page.locator('#problems').getByRole('link', { name: 'Show every problem' }).click();
    await eventually(shown(page), ids(all));
    assert.equal(query(page), '');
    assert.equal(await page.locator('.chip input:checked').count(), 0);
    assert.equal(await page.locator('select[name=template]').inputValue(), '');
  }));

test('text finds owner, workspace, agent and id, in any case', () =>
  visit(`${origin}/`, async (page) => {
    const all = await agents(origin);
    const find = page.locator('[data-find]');
    for (const [text, fits] of [
      ['GRACE', (it) => it.place.startsWith('grace/')],
      ['box-7', (it) => it.place.endsWith('/box-7')],
      ['dev', (it) => it.agent === 'dev'],
      [all[3].id, (it) => it.id === all[3].id],
      ['ada dev', (it) => it.place.startsWith('ada/') && it.agent === 'dev'],
    ]) {
      await find.fill(text);
      await eventually(shown(page), ids(all.filter(fits)));
    }
    await find.fill('nobody-has-this-name');
    await page.locator('.empty').filter({ hasText: 'No agent matches.' }).waitFor();
    assert.deepEqual(await idsOf(page), []);
    assert.equal(await countOf(page), 0);
  }));

test('each column sorts both ways and says so', () =>
  visit(`${origin}/`, async (page) => {
    const column = (name) => page.locator('#problems thead th').filter({ hasText: name });
    const order = ['terminated', 'stuck_connecting', 'connect_timeout', 'disconnected', 'start_error', 'stuck_created', 'stuck_starting'];
    for (const [name, value] of [
      ['Workspace', (it) => it.place],
      ['Template', (it) => it.template],
      ['Health', (it) => order.indexOf(it.health)],
      ['Since', (it) => it.since],
    ]) {
      const all = new Map((await agents(origin)).map((it) => [it.id, it]));
      const values = async () => (await idsOf(page)).map((it) => value(all.get(it)));
      const text = (rows) => (name === 'Template' ? rows.map((it) => `${it.organization} ${it.template}`) : rows.map(value));
      const seen = async () => (name === 'Template' ? text((await idsOf(page)).map((it) => all.get(it))) : values());
      const sorted = text([...all.values()]).sort((one, other) => (one < other ? -1 : Number(one > other)));
      await column(name).getByRole('link').click();
      await eventually(() => column(name).getAttribute('aria-sort'), 'ascending');
      assert.deepEqual(await seen(), sorted, `${name}, ascending`);
      await column(name).getByRole('link').click();
      await eventually(() => column(name).getAttribute('aria-sort'), 'descending');
      assert.deepEqual(await seen(), [...sorted].reverse(), `${name}, descending`);
      assert.equal(await page.locator('#problems [aria-sort]').count(), 1);
    }
  }));

test('more are shown on demand, and those shown before stay where they are', () =>
  visit(`${known.large}/`, async (page) => {
    const before = await idsOf(page);
    assert.equal(before.length, 100);
    assert.equal(await countOf(page), 5000);
    await page.getByRole('link', { name: 'Show 100 more' }).click();
    await eventually(async () => (await idsOf(page)).length, 200);
    const after = await idsOf(page);
    assert.deepEqual(after.slice(0, 100), before);
    assert.equal(new Set(after).size, 200);
    assert.equal(query(page), '?show=200');
  }));

test('all five thousand can be shown, and are those of the API', () =>
  visit(`${known.large}/?show=5000`, async (page) => {
    assert.deepEqual(await shown(page)(), ids(await agents(known.large)));
  }));

test('what is clicked right after typing is what one gets', () =>
  visit(`${origin}/`, async (page) => {
    await page.locator('[data-find]').evaluate((field) => {
      field.value = 'ada';
      field.dispatchEvent(new InputEvent('input', { bubbles: true }));
      document.querySelector('#problems thead a[href$="sort=owner"]').click();
    });
    await eventually(() => page.locator('#problems [aria-sort]').innerText(), 'Workspace');
    await page.waitForTimeout(500);
    assert.equal(query(page), '?sort=owner');
  }));

test('a link that is shared shows the same rows in the same order', () =>
  visit(`${origin}/`, async (page) => {
    await page.locator('.chip').filter({ hasText: 'stuck' }).first().click();
    await eventually(async () => (await idsOf(page)).length, 4);
    const name = (await rowsOf(page))[0].place.split('/').pop();
    await page.locator('[data-find]').fill(name);
    await eventually(async () => (await idsOf(page)).length, 1);
    await page.locator('#problems thead').getByRole('link', { name: 'Workspace' }).click();
    await eventually(async () => query(page), `?health=stuck_connecting&q=${name}&sort=owner`);
    await page.waitForFunction(() => document.querySelector('#problems [aria-sort]').textContent === 'Workspace');
    const rows = await rowsOf(page);
    assert.equal(rows.length, 1);
    await visit(page.url(), async (fresh) => {
      assert.deepEqual(await rowsOf(fresh), rows);
      assert.equal(await fresh.locator('[data-find]').inputValue(), name);
    });
  }));

test('back and forward lead through what was looked at', () =>
  visit(`${origin}/`, async (page) => {
    const all = await agents(origin);
    const of = (health) => ids(all.filter((it) => it.health === health));
    await page.locator('.legend').getByRole('link', { name: 'start error' }).click();
    await eventually(shown(page), of('start_error'));
    await page.locator('.legend').getByRole('link', { name: 'stuck created' }).click();
    await eventually(shown(page), of('stuck_created'));
    await page.goBack();
    await eventually(shown(page), of('start_error'));
    assert.equal(await page.locator('.chip input:checked').inputValue(), 'start_error');
    await page.goBack();
    await eventually(shown(page), ids(all));
    assert.equal(await page.locator('.chip input:checked').count(), 0);
    await page.goForward();
    await eventually(shown(page), of('start_error'));
  }));

test('what an address says in error is left out with a note', () =>
  visit(`${origin}/?health=nonsense&sort=age&show=many&other=1`, async (page) => {
    assert.equal((await idsOf(page)).length, 28);
    assert.equal(await page.locator('#problems .note').count(), 4);
  }));
