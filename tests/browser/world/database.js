// Databases of made-up fleets that stand still: who is what is known beforehand.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

import { ask } from './exporter.js';

const ERAS = ['v2_3', 'v2_9', 'v2_22', 'v2_24', 'v2_32'];

/** Runs SQL as the owner, in a server whose socket is in this folder. */
export function sql(folder, database, text) {
  return new Promise((resolve, reject) => {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', 'postgres', '-d', database];
    const child = execFile('psql', args, { maxBuffer: 64 << 20 }, (error, out) => (error ? reject(error) : resolve(out.trim())));
    child.stdin.end(text);
  });
}

/** Where an exporter finds a database, through the socket. */
export const urlOf = (folder, database) =>
  `postgres://${database}_exporter@/${database}?host=${encodeURIComponent(folder)}`;

/** Makes a database with this fleet, and a role that may read it. */
export async function create(folder, name, fleet) {
  await sql(folder, 'postgres', `CREATE DATABASE ${name}`);
  const schema = ERAS.map((it) => readFile(new URL(`../../../src/demo/schema/${it}.sql`, import.meta.url), 'utf8'));
  const insert = readFile(new URL('fleet.sql', import.meta.url), 'utf8');
  const role = ask('role', `${name}_exporter`);
  const told = `CREATE TEMP TABLE told AS SELECT row_number() OVER () AS number, *
    FROM jsonb_to_recordset($fleet$${JSON.stringify(fleet)}$fleet$)
    AS it (organization text, template text, owner text, workspace text, agent text, health text, ago integer);`;
  await sql(folder, name, [...(await Promise.all(schema)), told, await insert, await role, 'ANALYZE;'].join('\n'));
}
