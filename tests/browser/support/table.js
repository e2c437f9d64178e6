// What a page shows, read as a reader would; and what the API answers, in the same form.

/** The rows that are shown. */
export const rowsOf = (page) => page.$$eval('#problems tbody tr', (rows) => rows.map((row) => ({
  id: row.dataset.key,
  health: row.querySelector('.badge').textContent.replaceAll(' ', '_'),
  since: row.querySelector('time[data-since]')?.getAttribute('datetime') ?? null,
  place: [...row.querySelectorAll('th bdi')].map((it) => it.textContent).join('/'),
  agent: (row.querySelector('td[data-label=Agent] a') ?? row.querySelector('td[data-label=Agent]')).textContent,
})));

/** Ids of the rows, in their order. */
export const idsOf = (page) => page.$$eval('#problems tbody tr', (rows) => rows.map((row) => row.dataset.key));

/** Opens the part of the form with lists and classes. */
export const openFilters = (page) => page.locator('.narrow > summary').click();

/** The number in `Showing 100 of 5,000 problems` that says how many there are, or 0. */
export const countOf = async (page) => {
  const told = await page.locator('[data-count]').allTextContents();
  return Number(told[0]?.match(/([\d,]+) (?:problem|agent)/)?.[1].replaceAll(',', '') ?? 0);
};

/** What the API answers. */
export async function api(origin, path) {
  const response = await fetch(`${origin}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Every agent that the API has for a query, as rows. */
export async function agents(origin, query = 'health=problem') {
  const found = [];
  let cursor = '';
  do {
    const page = await api(origin, `/agents?limit=1000&${query}${cursor && `&cursor=${cursor}`}`);
    found.push(...page.agents);
    cursor = page.next;
  } while (cursor);
  return found.map((it) => ({
    id: it.agent_id,
    health: it.health,
    since: it.since,
    place: `${it.workspace_owner}/${it.workspace_name}`,
    agent: it.agent_name,
    organization: it.organization_name,
    template: it.template_name,
  }));
}

/** A line for each, in the order of ids, for where order does not count. */
export const byId = (rows) => rows.map(({ id, health, since, place, agent }) => `${id} ${health} ${since} ${place}.${agent}`).sort();
