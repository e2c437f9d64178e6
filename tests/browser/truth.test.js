// What is shown is what the API answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, api, byId, countOf, rowsOf } from './support/table.js';

const origin = known.small;

test('every problem is a row, with the health and the moment the API has', () =>
  visit(`${origin}/`, async (page) => {
    const expected = await agents(origin);
    assert.equal(expected.length, 28);
    assert.deepEqual(byId(await rowsOf(page)), byId(expected));
    assert.equal(await countOf(page), 28);
  }));

test('totals are those of the API', () =>
  visit(`${origin}/`, async (page) => {
    const { health, problem_agents: problems, agents: all } = await api(origin, '/fleet');
    const shown = await page.$$eval('.legend li', (items) =>
      items.map((it) => [it.dataset.key, Number(it.querySelector('b').textContent.replaceAll(',', ''))]));
    assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(Object.entries(health).filter(([, count]) => count)));
    assert.equal(await page.locator('h1').innerText(), `${problems} of ${all} agents have a problem`);
    assert.equal(await page.title(), `${problems} problems · Coder agents`);
  }));

test('templates have the counts of the API, the worst first', () =>
  visit(`${origin}/`, async (page) => {
    await page.getByText('All templates').click();
    const shown = await page.$$eval('.where ~ details tbody tr', (rows) => rows.map((row) => [
      row.dataset.key,
      Number(row.cells[1].textContent),
      Number(row.cells[5].textContent),
    ]));
    const { templates } = await api(origin, '/fleet');
    const expected = templates.map((it) => [`${it.organization_name}/${it.template_name}`, it.agents, it.problem_agents]);
    assert.deepEqual([...shown].sort(), expected.sort());
    const shares = shown.map(([, all, problems]) => problems / all);
    assert.deepEqual(shares, [...shares].sort((one, other) => other - one));
  }));

for (const [address, query] of [
  ['health=disconnected,start_error', 'health=disconnected,start_error'],
  ['template=kubernetes', 'health=problem&template=kubernetes'],
  ['organization=umbrella&template=kubernetes', 'health=problem&organization=umbrella&template=kubernetes'],
  ['q=ada', 'health=problem&q=ada'],
  ['health=healthy', 'health=healthy'],
]) {
  test(`rows of ?${address} are those of the API`, () =>
    visit(`${origin}/?${address}`, async (page) => {
      const expected = await agents(origin, query);
      assert.ok(expected.length > 0);
      assert.deepEqual(byId(await rowsOf(page)), byId(expected));
      assert.equal(await countOf(page), expected.length);
    }));
}

test('of a fleet that lives, too, the problems are those of the API', () =>
  visit(`${known.demo}/?show=500`, async (page) => {
    // Both look at passes of their own: one of a few looks meets the same.
    for (let tries = 10; ; tries -= 1) {
      const expected = byId(await agents(known.demo));
      const shown = byId(await rowsOf(page));
      try {
        assert.deepEqual(shown, expected);
        assert.ok(shown.length > 3);
        return;
      } catch (error) {
        if (tries === 0) throw error;
        await page.reload();
      }
    }
  }));
