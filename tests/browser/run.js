// Starts what the tests look at, runs them, and ends it again. Arguments are files to run
// instead of all.

import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { world } from './world/world.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const PICTURES = fileURLToPath(new URL('../../target/pages', import.meta.url));

const chosen = process.argv.slice(2);
const all = readdirSync(here).filter((it) => it.endsWith('.test.js'));
mkdirSync(PICTURES, { recursive: true });

const began = Date.now();
const { known, end } = await world();
console.log(`# all is up after ${((Date.now() - began) / 1000).toFixed(1)} s`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end().then(() => process.exit(130)));

const files = chosen.length ? chosen : all;
const args = ['--test', '--test-concurrency=3', '--test-reporter=spec', ...files];

async function run() {
  const tests = spawn(process.execPath, args, { cwd: here, stdio: 'inherit', env: { ...process.env, WORLD: JSON.stringify(known) } });
  // Each step has a limit of its own. This one only ends a run that hangs; a busy machine needs
  // several times the two minutes of an idle one.
  const limit = setTimeout(() => tests.kill(), 1_200_000);
  const status = await new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 1)));
  clearTimeout(limit);
  return status;
}

let status = await run();
// As .config/nextest.toml has it: a shared machine may stand still for a second.
if (status !== 0 && process.env.CI) {
  console.log('# FLAKY or broken: a second try of all; what failed above is to be mended either way');
  status = await run();
}
await end();
console.log(`# ${((Date.now() - began) / 1000).toFixed(1)} s altogether`);
process.exit(status);
