// Filter, sort, show more, share, go back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PHONE, eventually, visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, countOf, idsOf, openFilters, rowsOf } from './support/table.js';

const origin = known.small;
const ids = (rows) => rows.map((it) => it.id).sort();
const shown = (page) => async () => (await idsOf(page)).sort();
const query = (page) => decodeURIComponent(new URL(page.url()).search);

test('filters narrow the table as they are chosen, and the address says so', () =>
  visit(`${origin}/`, async (page) => {
    const all = await agents(origin);
    const chip = (name) => page.locator('.chip').filter({ hasText: name });
    await openFilters(page);
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
    assert.equal(await page.locator('.chip input[type=checkbox]:checked').count(), 0);
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
      ['For', (it) => it.since],
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

test('the table is a window on all rows, which its links move', () =>
  visit(`${known.large}/`, async (page) => {
    const first = await idsOf(page);
    assert.equal(first.length, 100);
    assert.equal(await countOf(page), 5000);
    await page.getByRole('link', { name: 'Next 100' }).click();
    await eventually(async () => query(page), '?from=100');
    await page.locator('[data-count]').filter({ hasText: 'Showing 101 to 200 of 5,000 problems' }).waitFor();
    assert.equal(new Set([...first, ...(await idsOf(page))]).size, 200);
    await page.getByRole('link', { name: 'Last' }).click();
    await page.locator('[data-count]').filter({ hasText: 'Showing 4,901 to 5,000' }).waitFor();
    await page.getByRole('link', { name: 'First' }).click();
    await eventually(() => idsOf(page), first);
  }));

test('the windows together are all that the API has', () =>
  visit(`${known.large}/`, async (page) => {
    const seen = [];
    for (let from = 0; from < 5000; from += 500) {
      await page.goto(`${known.large}/?show=500&from=${from}`);
      seen.push(...(await idsOf(page)));
    }
    assert.deepEqual(seen.sort(), ids(await agents(known.large)));
  }));

test('however many there are, a page has few nodes', () =>
  visit(`${known.large}/?show=500`, async (page) => {
    const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
    assert.ok(nodes < 15_000, `${nodes} nodes for 500 rows`);
    await page.goto(`${known.large}/`);
    const few = await page.evaluate(() => document.querySelectorAll('*').length);
    assert.ok(few < 5_000, `${few} nodes for 100 rows of 5,000`);
  }));

test('a search finds agents that have no problem, and a pasted address of Coder', () =>
  visit(`${origin}/`, async (page) => {
    const well = (await agents(origin, 'health=healthy'))[0];
    const find = page.locator('[data-find]');
    for (const text of [well.id, well.place, `https://coder.example/@${well.place}.${well.agent}/terminal`]) {
      await find.fill(text);
      await page.locator('[data-key=well]').waitFor();
      await eventually(shown(page), [well.id]);
    }
    await find.fill('');
    await page.locator('.extent .chip').filter({ hasText: 'all agents' }).click();
    await eventually(async () => query(page), '?agents=all');
    await eventually(() => countOf(page), (await agents(origin, '')).length);
    await page.goto(`${origin}/agents?q=${well.id}`);
    assert.deepEqual(await idsOf(page), [well.id]);
    await page.goto(`${origin}/?health=problem`);
    assert.equal(await page.locator('#problems .note').count(), 0);
  }));

test('agents are grouped by any field, and each value is a filter beside the others', () =>
  visit(`${origin}/`, async (page) => {
    const all = await agents(origin);
    const where = page.locator('#where');
    for (const field of ['organization', 'template version', 'agent version', 'coderd replica', 'provisioner', 'machine type', 'kind', 'owner']) {
      await where.locator('.choices').getByRole('link', { name: field, exact: true }).click();
      await where.locator('h2').filter({ hasText: `by ${field}` }).waitFor();
    }
    const shares = await where.locator('.where li').evaluateAll((items) => items.map((it) => {
      const [problems, agents] = it.querySelector('.number').textContent.split(' of ');
      return Number(problems) / Number(agents);
    }));
    assert.equal(shares.length, 5, 'owners');
    assert.deepEqual(shares, [...shares].sort((one, other) => other - one));
    await where.locator('.where').getByRole('link', { name: 'ada' }).click();
    const ada = all.filter((it) => it.place.startsWith('ada/'));
    await eventually(shown(page), ids(ada));
    await openFilters(page);
    await page.locator('select[name=template]').selectOption('kubernetes');
    const both = ada.filter((it) => it.template === 'kubernetes');
    assert.ok(both.length > 0 && both.length < ada.length);
    await eventually(shown(page), ids(both));
    assert.match(query(page), /owner=ada/);
    await page.locator('.chosen').getByRole('link', { name: 'Without owner ada' }).click();
    await eventually(shown(page), ids(all.filter((it) => it.template === 'kubernetes')));
  }));

test('what is selected can be taken along as text, commands and CSV', () =>
  visit(`${origin}/?owner=ada`, async (page) => {
    const rows = await idsOf(page);
    const links = await page.locator('.take a').evaluateAll((all) => all.map((it) => it.href));
    const [text, commands, csv] = await Promise.all(links.map(async (it) => (await fetch(it)).text()));
    assert.equal(text.trim().split('\n').length, rows.length + 1);
    for (const command of commands.trim().split('\n')) assert.match(command, /^coder show ada\/box-\d+$/);
    const lines = csv.trim().split('\r\n');
    assert.match(lines[0], /^workspace_owner,workspace_name,agent_name,health,since,/);
    assert.deepEqual(lines.slice(1).map((it) => it.split(',')[13]), rows);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('.take').getByRole('link', { name: 'text' }).click();
    await page.locator('#announcement').filter({ hasText: 'Copied' }).waitFor({ state: 'attached' });
    // Copied a moment later, from another collection perhaps.
    const ageless = (it) => it.replace(/ at \S+Z/, '').replace(/ for [\dsmhd ]+/g, ' ');
    assert.equal(ageless(await page.evaluate(() => navigator.clipboard.readText())), ageless(text));
  }));

test('a page that is not there leads back', () =>
  visit(`${origin}/nonsense`, async (page, seen) => {
    assert.equal(seen.response.status(), 404);
    await page.getByRole('link', { name: 'All agents' }).click();
    await eventually(() => countOf(page), (await agents(origin, '')).length);
  }, { expected: /404/ }));

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
    await openFilters(page);
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

test('a link with a filter lands on its results, below two incidents on a phone', () =>
  visit(`${known.together}/`, async (page) => {
    await page.locator('[data-find]').fill('gpu');
    await eventually(async () => query(page), '?q=gpu');
    await visit(page.url(), async (fresh) => {
      const box = await fresh.locator('#problems-title').boundingBox();
      assert.ok(box.y >= 0 && box.y < PHONE.height / 2, `the results begin at ${box.y}`);
    }, { viewport: PHONE });
  }, { viewport: PHONE }));

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
    assert.equal(await page.locator('.chip input[type=checkbox]:checked').inputValue(), 'start_error');
    await page.goBack();
    await eventually(shown(page), ids(all));
    assert.equal(await page.locator('.chip input[type=checkbox]:checked').count(), 0);
    await page.goForward();
    await eventually(shown(page), of('start_error'));
  }));

test('what an address says in error is left out with a note', () =>
  visit(`${origin}/?health=nonsense&sort=age&show=many&other=1`, async (page) => {
    assert.equal((await idsOf(page)).length, 28);
    assert.equal(await page.locator('#problems .note').count(), 4);
  }));
