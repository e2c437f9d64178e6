// The program that is tested.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { start } from './child.js';

export const PROGRAM = process.env.EXPORTER
  ?? fileURLToPath(new URL('../../../target/debug/coder-agent-exporter', import.meta.url));

/** What one of its commands answers. */
export async function ask(...args) {
  const { stdout } = await promisify(execFile)(PROGRAM, args, { maxBuffer: 64 << 20 });
  return stdout;
}

/** Starts it; `origin` is where it serves. */
export async function exporter(args, { port = 0, env = {} } = {}) {
  const child = start(PROGRAM, [...args, `--web.listen-address=127.0.0.1:${port}`], { env });
  try {
    const [line, address] = await child.said(/message=serving address=(\S+).*/);
    return { origin: `http://${address}`, line, end: child.end };
  } catch (error) {
    await child.end();
    throw error;
  }
}

/** One that serves this database, and whose agents stay what they are for as long as a test. */
export const serve = (url, { args = [], ...options } = {}) =>
  exporter(['serve', `--postgres.url=${url}`, '--agent.inactive-timeout=1h', ...args], options);
