// Everything the tests look at: a demo that lives, fleets that stand still, and a browser.

import { chromium } from 'playwright-core';

import { coderd } from './coderd.js';
import { create, urlOf } from './database.js';
import { exporter, serve } from './exporter.js';
import { large, lost, small, together } from './fleets.js';

/** Nothing but what the tests ask for: no updates, no reports, no services of its maker. */
const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-domain-reliability',
];

/** Starts it; `end` ends what was started, also when only part of it was. */
export async function world() {
  const started = [];
  const end = async () => {
    for (const it of started.reverse()) await it();
  };
  const keep = (it) => {
    started.push(it.end ?? (() => it.close()));
    return it;
  };
  try {
    const coder = keep(await coderd()).url;
    const [browser, demo] = await Promise.all([startBrowser(), startDemo(keep, coder)]);
    keep(browser);
    const folder = /@(\S+):\d+\/coder_demo/.exec(demo.line)[1];
    const still = async (name, fleet) => {
      await create(folder, name, fleet);
      return keep(await serve(urlOf(folder, name), { args: [`--coder.url=${coder}`] })).origin;
    };
    // `live` is for the tests to change, and to serve as they need.
    const [smallOrigin, largeOrigin, togetherOrigin, lostOrigin] = await Promise.all([
      still('small', small()),
      still('large', large()),
      still('together', together()),
      still('lost', lost()),
      create(folder, 'live', small()),
    ]);
    const known = { folder, coder, browser: browser.wsEndpoint(), demo: demo.origin, small: smallOrigin, large: largeOrigin, together: togetherOrigin, lost: lostOrigin };
    return { known, end };
  } catch (error) {
    await end();
    throw error;
  }
}

const startBrowser = () => chromium.launchServer({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid() !== 0,
  args: FLAGS,
  host: '127.0.0.1',
});

async function startDemo(keep, coder) {
  const args = [
    'demo', '--demo.agents=200', '--demo.seed=7', '--probe.dialer=coderd', '--probe.scope=all', `--coder.url=${coder}`,
    '--probe.interval=1h', '--probe.sample=40', '--probe.concurrency=8',
  ];
  return keep(await exporter(args, { env: { CODER_SESSION_TOKEN: 'a-token-of-nobody' } }));
}
