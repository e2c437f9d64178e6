// The page of one agent: why it is what it is, and whether it answers.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { visit } from './support/browser.js';
import { known } from './support/known.js';
import { agents } from './support/table.js';
import { urlOf } from './world/database.js';
import { ask } from './world/exporter.js';

const url = urlOf(known.folder, 'small');

test('why an agent is what it is, is what `explain` says', async () => {
  const problems = await agents(known.small);
  for (const health of new Set(problems.map((it) => it.health))) {
    const { id } = problems.find((it) => it.health === health);
    const told = JSON.parse(await ask('explain', id, '--json', `--postgres.url=${url}`, '--agent.inactive-timeout=1h'));
    const expected = told.agents[0];
    await visit(`${known.small}/agents/${id}`, async (page) => {
      // Numbers of seconds have gone on between the two.
      const still = (text) => text.replace(/[\d.]+ s\b/g, '… s');
      const facts = await page.locator('[data-key=why] dd').allTextContents();
      assert.equal(still(facts[0]), still(`${expected.status_reason} → ${expected.status} (rule ${expected.status_rule})`));
      assert.equal(still(facts[1]), still(`${expected.health_reason} → ${expected.health} (rule ${expected.health_rule})`));
      assert.equal(await page.locator('h1 .badge').textContent(), health.replaceAll('_', ' '));
      if (expected.advice) assert.equal(await page.locator('[data-key=summary] .advice').textContent(), expected.advice);
    });
  }
});

test('a click on the agent in the table leads to its page', () =>
  visit(`${known.small}/`, async (page) => {
    const link = page.locator('#problems tbody td[data-label=Agent] a').first();
    const href = await link.getAttribute('href');
    await link.click();
    await page.waitForURL(`**${href}`);
    assert.equal(await page.locator('#why').count(), 1);
  }));

/** A healthy agent that the stand-in for coderd reaches. */
async function reachable() {
  const all = await agents(known.demo, 'health=healthy');
  return all.find((it) => !/[0-5]$/.test(it.id)).id;
}

test('an agent can be probed by a click, with and without script', async () => {
  const id = await reachable();
  for (const javaScriptEnabled of [true, false]) {
    await visit(`${known.demo}/agents/${id}`, async (page) => {
      await page.getByRole('button', { name: 'Probe now' }).click();
      await page.waitForURL(/probed=\d+/);
      const story = page.locator('#probed');
      await story.waitFor();
      // Reached at once, or past a chat's binding to an agent of an earlier build.
      const reached = story.locator('.outcome-ok, .outcome-switched').first();
      assert.match(await reached.textContent(), /ok|switched/);
    }, { javaScriptEnabled });
  }
});

test('another site cannot have an agent probed', async () => {
  const id = await reachable();
  const form = `<form method="post" action="${known.demo}/agents/${id}"><button>Win</button></form>`;
  const other = createServer((request, response) => {
    response.writeHead(request.url === '/' ? 200 : 404, { 'Content-Type': 'text/html' });
    response.end(request.url === '/' ? `<!doctype html><link rel="icon" href="data:,">${form}` : '');
  });
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  try {
    // By another name of this machine: another port alone would be the same site.
    await visit(`http://localhost:${other.address().port}/`, async (page) => {
      await page.getByRole('button').click();
      await page.waitForURL(`${known.demo}/**`);
      assert.match(await page.locator('body').textContent(), /another site/);
      assert.ok(!page.url().includes('probed='));
      // 404: the refusal names no icon, and the browser may ask for one.
    }, { expected: /40[34]|^request: / });
  } finally {
    other.close();
  }
});

test('what the probe found is on its page, and leads to the agent and to what was asked', () =>
  visit(`${known.demo}/probes`, async (page) => {
    const link = page.locator('[data-key=history] tbody th a').first();
    await link.waitFor();
    await link.click();
    await page.waitForURL(/\/agents\/.*probed=\d+/);
    assert.ok((await page.locator('#probed tbody tr').count()) > 0);
  }));
