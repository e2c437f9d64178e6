// How it looks: in light and dark, on a laptop and on a phone; and to those who do not see it.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { LAPTOP, PHONE, picture, visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents, api } from './support/table.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];

/** What axe-core finds against WCAG 2.1 A and AA: a line for each rule that is broken. */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), RULES);
  assert.ok(found.passes.length > 10, 'it has looked');
  return found.violations.map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary.split('\n')[1]}`).join(' | ')}`);
}

/** What sticks out of the window sideways. */
const wide = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const out = [...document.querySelectorAll('main *, header *, footer *')].filter((it) => it.getBoundingClientRect().right > width + 1);
  return [document.documentElement.scrollWidth, ...out.slice(0, 5).map((it) => it.outerHTML.slice(0, 120))];
});

/** Those of the fleet that has some. */
async function incidents() {
  const { incidents: found } = await api(known.together, '/incidents');
  assert.equal(found.length, 2, 'one for each template');
  return found;
}

const PAGES = [
  ['fleet', async () => `${known.demo}/`, {}],
  ['filtered', async () => `${known.small}/?health=disconnected,start_error&q=ada&sort=-since`, {}],
  ['healthy', async () => `${known.small}/?health=healthy`, {}],
  ['hostile', async () => `${known.large}/?show=20`, {}],
  ['incidents', async () => `${known.together}/`, {}],
  ['incident', async () => `${known.together}/?incident=${(await incidents())[0].incident_id}`, {}],
  ['incident-agent', async () => `${known.together}/agents/${(await agents(known.together))[0].id}`, {}],
  ['probes', async () => `${known.demo}/probes`, {}],
  ['probes-off', async () => `${known.small}/probes`, {}],
  ['agent', async () => `${known.demo}/agents/${(await agents(known.demo))[0].id}`, {}],
  ['agent-missing', async () => `${known.small}/agents/00000000-0000-0000-0000-000000000000`, { expected: /404/ }],
];

for (const [name, address, options] of PAGES) {
  test(`${name}: nothing sticks out and axe finds nothing, in both schemes and widths`, async () => {
    for (const [size, viewport] of [['laptop', LAPTOP], ['phone', PHONE]]) {
      await visit(await address(), async (page) => {
        assert.deepEqual(await wide(page), [], size);
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          await picture(page, `${name}-${size}-${colorScheme}`, { fullPage: true });
          assert.deepEqual(await violations(page), [], `${size}, ${colorScheme}`);
        }
      }, { ...options, viewport });
    }
  });
}

// Of a fleet that stands still: an incident of the demo would stand before all of this.
const FIRST = ['h1', '.as-of', '[data-key=totals] svg.bar', '.legend', '#problems tbody tr'];
for (const [size, viewport, more] of [['laptop', LAPTOP, ['[data-key=where] h2', '.where li']], ['phone', PHONE, []]]) {
  test(`the first screen of a ${size} says what is wrong, how much and which agents`, () =>
    visit(`${known.small}/`, async (page) => {
      for (const part of [...FIRST, ...more]) {
        const box = await page.locator(part).first().boundingBox();
        assert.ok(box, `${part} is not there`);
        assert.ok(box.y >= 0 && box.y + box.height <= viewport.height, `${part} ends at ${Math.round(box.y + box.height)} of ${viewport.height}`);
        assert.ok(box.x >= 0 && box.x + box.width <= viewport.width, `${part} is ${box.width} wide`);
      }
      await picture(page, `first-screen-${size}`);
    }, { viewport }));
}

test('on a phone, two incidents and the first rows are within two screens', () =>
  visit(`${known.together}/`, async (page) => {
    const box = await page.locator('#problems tbody tr').nth(1).boundingBox();
    assert.ok(box.y + box.height <= 2 * PHONE.height, `the second row ends at ${Math.round(box.y + box.height)}`);
  }, { viewport: PHONE }));

for (const width of [320, 600, 768, 1024, 1280, 1920]) {
  test(`${width} px wide, nothing sticks out`, async () => {
    for (const [name, address] of [['fleet', known.demo], ['incidents', known.together], ['hostile', known.large], ['lost', known.lost]]) {
      await visit(`${address}/`, async (page) => {
        assert.deepEqual(await wide(page), []);
        await picture(page, `${name}-${width}`);
      }, { viewport: { width, height: 900 } });
    }
  });
}

test('times are in UTC, or in the zone of the browser once the reader chose that', () =>
  visit(`${known.small}/`, async (page) => {
    const asOf = page.locator('.as-of time').first();
    const utc = await asOf.innerText();
    assert.match(utc, /^\d\d:\d\d UTC$/);
    await page.locator('#zone').click();
    assert.match(await asOf.innerText(), /^\d\d:\d\d -0[45]:00$/);
    assert.match(await asOf.getAttribute('title'), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d -0[45]:00$/);
    await page.goto(`${known.small}/agents/${(await agents(known.small))[0].id}`);
    assert.match(await page.locator('time[data-clock=second]').first().innerText(), / -0[45]:00$/, 'remembered');
    await page.locator('#zone').click();
    assert.match(await page.locator('time[data-clock=second]').first().innerText(), / UTC$/);
  }, { timezoneId: 'America/New_York' }));

test('six thousand lost at once are one incident, and the first rows are within two screens of a phone', async () => {
  for (const [size, viewport] of [['laptop', LAPTOP], ['phone', PHONE]]) {
    await visit(`${known.lost}/`, async (page) => {
      assert.match(await page.locator('h1').innerText(), /^1 incident: 6,000 of 6,100 agents have a problem$/);
      assert.equal(await page.title(), '1 incident, 6,000 problems · Coder agents');
      const box = await page.locator('#problems tbody tr').nth(1).boundingBox();
      assert.ok(box.y + box.height <= 2 * viewport.height, `the second row ends at ${Math.round(box.y + box.height)}`);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `lost-${size}-${colorScheme}`);
      }
    }, { viewport });
  }
});

test('on paper there is what one reads, black on white, and nothing that one clicks', async () => {
  for (const [name, address] of [['fleet', `${known.together}/`], ['agent', `${known.small}/agents/${(await agents(known.small))[0].id}`]]) {
    await visit(address, async (page) => {
      // Of a page in dark, the width of A4.
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      const shown = (selector) => page.locator(selector).first().isVisible();
      for (const part of ['header', 'footer', 'button', 'form', '.skip']) assert.equal(await shown(part), false, part);
      assert.equal(await shown('h1'), true);
      assert.equal(await shown('main table tbody tr'), true);
      const ground = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]);
      assert.deepEqual(ground, ['rgb(255, 255, 255)', 'rgb(26, 29, 33)']);
      assert.deepEqual(await wide(page), []);
      await picture(page, `print-${name}`, { fullPage: true });
    }, { viewport: { width: 794, height: 1123 }, colorScheme: 'dark' });
  }
});

test('twice as large, it still fits', () =>
  visit(`${known.demo}/`, async (page) => {
    assert.deepEqual(await wide(page), []);
  }, { viewport: { width: LAPTOP.width / 2, height: LAPTOP.height / 2 }, deviceScaleFactor: 2 }));
