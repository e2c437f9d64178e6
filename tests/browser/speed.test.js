// With five thousand problems the browser is not kept busy. What is counted is judged; how long it
// took is only said, because it is another on each machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually, visit } from './support/browser.js';
import { known } from './support/known.js';

/** Notes each task that blocks, and how many changes the page makes. */
const watch = () => {
  window.blocked = [];
  new PerformanceObserver((list) => window.blocked.push(...list.getEntries().map((it) => it.duration)))
    .observe({ type: 'longtask', buffered: true });
  window.changes = 0;
  document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver((list) => { window.changes += list.length; })
      .observe(document.querySelector('[data-live]'), { subtree: true, childList: true, attributes: true });
  });
};

/** Milliseconds for which nothing else could be done: what is over 50 of each task. */
const blocking = (page) => page.evaluate(() => Math.round(window.blocked.reduce((sum, it) => sum + Math.max(0, it - 50), 0)));

/** Milliseconds of the processor that the page has used until now, which a busy machine does not stretch. */
async function used(client) {
  const { metrics } = await client.send('Performance.getMetrics');
  return 1000 * metrics.find((it) => it.name === 'TaskDuration').value;
}

for (const [name, path, most] of [['a window of 100 rows', '/', 5_000], ['the largest window', '/?show=500', 15_000]]) {
  test(`${name} of 5,000 problems has few nodes, and a refresh changes none of the same`, (t) =>
    visit(`${known.large}/`, async (page) => {
      const client = await page.context().newCDPSession(page);
      await client.send('Performance.enable', { timeDomain: 'threadTicks' });
      await page.addInitScript(watch);
      let before = await used(client);
      const spent = async () => {
        const now = await used(client);
        const since = Math.round(now - before);
        before = now;
        return `${since} ms of the processor, ${await blocking(page)} ms blocked`;
      };
      await page.goto(`${known.large}${path}`);
      await page.waitForTimeout(500);
      const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
      t.diagnostic(`${name}: ${nodes} nodes, ${await spent()} at the first paint`);
      assert.ok(nodes < most, `${nodes} nodes`);
      await page.evaluate(() => {
        window.blocked.length = 0;
        window.changes = 0;
        window.isFresh = false;
        document.addEventListener('fresh', () => { window.isFresh = true; });
        // As if what the page says were another.
        document.querySelector('[data-live]').dataset.version = 'another';
      });
      await page.getByRole('link', { name: 'Reload' }).click();
      await eventually(() => page.evaluate(() => window.isFresh), true);
      await page.waitForTimeout(500);
      const changes = await page.evaluate(() => window.changes);
      t.diagnostic(`${name}: ${await spent()} at a refresh, ${changes} changes`);
      assert.ok(changes < 100, `${changes} changes of a page that says the same`);
    }));
}
