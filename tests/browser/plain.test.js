// Without script everything can be done.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, countOf, idsOf, openFilters } from './support/table.js';

const plain = { javaScriptEnabled: false };

test('the form filters', () =>
  visit(`${known.small}/`, async (page) => {
    const all = await agents(known.small);
    await page.locator('[data-find]').fill('ada');
    await openFilters(page);
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

test('links group and move the window', () =>
  visit(`${known.large}/`, async (page) => {
    await page.getByRole('link', { name: 'Next 100' }).click();
    await page.waitForURL(/from=100/);
    assert.equal((await idsOf(page)).length, 100);
    await page.locator('.choices').getByRole('link', { name: 'owner' }).click();
    await page.waitForURL(/group=owner/);
    assert.ok(await page.locator('.where li').count() > 0);
    assert.equal(await countOf(page), 5000);
  }, plain));

test('nothing is offered that only script can do', () =>
  visit(`${known.small}/`, async (page) => {
    for (const id of ['#pause', '#zone', '#times', '#help', '#keys']) assert.equal(await page.locator(id).isVisible(), false);
    assert.equal(await page.getByRole('link', { name: 'Reload' }).isVisible(), true);
  }, plain));
