// Without script everything can be done.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, countOf, idsOf } from './support/table.js';

const plain = { javaScriptEnabled: false };

test('the form filters', () =>
  visit(`${known.small}/`, async (page) => {
    const all = await agents(known.small);
    await page.locator('[data-find]').fill('ada');
    await page.locator('.chip').filter({ hasText: 'disconnected' }).click();
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/q=ada/);
    const expected = all.filter((it) => it.place.startsWith('ada/') && it.health === 'disconnected');
    assert.ok(expected.length > 0);
    assert.deepEqual((await idsOf(page)).sort(), expected.map((it) => it.id).sort());
    assert.equal(await page.locator('[data-find]').inputValue(), 'ada');
  }, plain));

test('links sort', () =>
  visit(`${known.small}/`, async (page) => {
    const all = new Map((await agents(known.small)).map((it) => [it.id, it]));
    await page.locator('#problems thead').getByRole('link', { name: 'Workspace' }).click();
    await page.waitForURL(/sort=owner/);
    const places = (await idsOf(page)).map((it) => all.get(it).place);
    assert.deepEqual(places, [...places].sort());
    assert.equal(await page.locator('#problems [aria-sort]').innerText(), 'Workspace');
  }, plain));

test('links show more', () =>
  visit(`${known.large}/`, async (page) => {
    await page.getByRole('link', { name: 'Show 100 more' }).click();
    await page.waitForURL(/show=200/);
    assert.equal((await idsOf(page)).length, 200);
    assert.equal(await countOf(page), 5000);
  }, plain));

test('nothing is offered that only script can do', () =>
  visit(`${known.small}/`, async (page) => {
    assert.equal(await page.locator('#pause').isVisible(), false);
    assert.equal(await page.getByRole('link', { name: 'Reload' }).isVisible(), true);
  }, plain));
