// Everything by the keyboard alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually, visit } from './support/browser.js';
import { known } from './support/known.js';
import { idsOf } from './support/table.js';

const origin = known.small;

/** What has the focus, and whether one sees it. */
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  // A chip shows the focus of the box that is hidden in it.
  const parts = [it, ...(it.parentElement?.matches('.chip') ? [it.parentElement, it.nextElementSibling] : [])];
  const styles = parts.filter(Boolean).map((part) => getComputedStyle(part));
  return {
    text: it.textContent.trim().slice(0, 40) || it.getAttribute('aria-label') || it.name || it.id,
    href: it.getAttribute('href'),
    name: it.getAttribute('name'),
    row: it.closest('tr[data-key]')?.dataset.key ?? null,
    isSeen: styles.some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1),
    inside: it.getBoundingClientRect().bottom > 0 && it.getBoundingClientRect().top < innerHeight,
  };
});

test('the first Tab leads to a link that skips to the results', () =>
  visit(`${origin}/`, async (page) => {
    await page.keyboard.press('Tab');
    const first = await focused(page);
    assert.equal(first.href, '#problems-title');
    assert.ok(first.isSeen && first.inside, JSON.stringify(first));
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'problems-title');
  }));

test('/ leads to the filter, where it is but a letter', () =>
  visit(`${origin}/`, async (page) => {
    await page.keyboard.press('/');
    assert.equal((await focused(page)).name, 'q');
    await page.keyboard.type('a/b');
    assert.equal(await page.locator('[data-find]').inputValue(), 'a/b');
  }));

test('Tab leads through all there is, and one always sees where', () =>
  visit(`${origin}/`, async (page) => {
    const rows = await idsOf(page);
    const reached = new Map();
    const fields = new Set();
    const order = [];
    for (let presses = 0; presses < 300; presses += 1) {
      await page.keyboard.press('Tab');
      const it = await focused(page);
      if (!it) break;
      assert.ok(it.isSeen, `one does not see that ${JSON.stringify(it)} has the focus`);
      assert.ok(it.inside, `${JSON.stringify(it)} has the focus outside of what is shown`);
      if (it.name) fields.add(it.name);
      if (!it.row) continue;
      if (!reached.has(it.row)) order.push(it.row);
      reached.set(it.row, [...(reached.get(it.row) ?? []), it.href]);
    }
    assert.deepEqual(order, rows, 'each row in its turn');
    for (const [id, links] of reached) {
      assert.equal(links.length, 2, 'to Coder and to the agent');
      assert.ok(links[0].startsWith(`${known.coder}/@`), links[0]);
      assert.equal(links[1], `/agents/${id}`);
    }
    assert.deepEqual([...fields].sort(), ['agents', 'q']);
  }));

test('Enter sorts and the focus stays; Space chooses a class', () =>
  visit(`${origin}/`, async (page) => {
    const sort = page.locator('#problems thead').getByRole('link', { name: 'Workspace' });
    await sort.focus();
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('#problems [aria-sort]').innerText(), 'Workspace');
    assert.equal((await focused(page)).text, 'Workspace');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('#problems [aria-sort]').getAttribute('aria-sort'), 'descending');
    assert.equal((await focused(page)).text, 'Workspace');
    await page.locator('.narrow > summary').click();
    await page.locator('.chip input[type=checkbox]').first().focus();
    await page.keyboard.press('Space');
    await eventually(async () => (await idsOf(page)).length, 4);
    assert.equal((await focused(page)).name, 'health');
  }));

for (const [name, address] of [['scattered problems', () => origin], ['two incidents', () => known.together]]) {
  test(`with ${name}, at most 15 stops of the Tab key are before the first row`, () =>
    visit(`${address()}/`, async (page) => {
      let stops = 0;
      for (;;) {
        await page.keyboard.press('Tab');
        if ((await focused(page)).row) break;
        stops += 1;
        assert.ok(stops <= 15, JSON.stringify(await focused(page)));
      }
    }));
}

test('the row that has the focus shows its moment, and t shows all moments, also on the next page', () =>
  visit(`${origin}/`, async (page) => {
    const all = () => page.$$eval('time[data-since]:not(:has(+ time))', (times) => times.map((it) => {
      const style = getComputedStyle(it, '::after');
      return { isShown: style.content !== 'none', isFocused: Boolean(it.closest('tr')?.contains(document.activeElement)), title: it.title };
    }));
    assert.ok((await all()).every((it) => !it.isShown));
    await page.keyboard.press('j');
    const focused = await all();
    assert.equal(focused.filter((it) => it.isShown).length, 1);
    for (const it of focused) {
      assert.equal(it.isShown, it.isFocused);
      assert.match(it.title, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    }
    await page.keyboard.press('t');
    assert.ok((await all()).every((it) => it.isShown));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/agents\//);
    const onAgent = await all();
    assert.ok(onAgent.length > 0 && onAgent.every((it) => it.isShown), 'remembered');
    assert.equal(await page.locator('#times').getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('t');
    assert.ok((await all()).every((it) => !it.isShown));
  }));

test('j and k lead through the rows, Enter opens, ? lists the keys', () =>
  visit(`${origin}/`, async (page) => {
    const rows = await idsOf(page);
    for (const [key, at] of [['j', 0], ['j', 1], ['j', 2], ['k', 1], ['k', 0], ['k', 0]]) {
      await page.keyboard.press(key);
      assert.equal((await focused(page)).row, rows[at], key);
    }
    await page.keyboard.press('?');
    assert.equal(await page.locator('#keys').isVisible(), true);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#keys').isVisible(), false);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/agents\//);
  }));
