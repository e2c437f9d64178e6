import { start } from './child.js';
export async function exporterOf(program, args) {
  const child = start(program, [...args, '--web.listen-address=127.0.0.1:0']);
  const [, address] = await child.said(/message=serving address=(\S+).*/);
  return { origin: `http://${address}`, end: child.end };
}
