// Stands in for coderd at the one endpoint that the probe asks: it reaches every agent but those
// whose id ends in one of a few digits.

import { createServer } from 'node:http';

const AGENT = /^\/api\/v2\/workspaceagents\/([0-9a-f-]{36})\/listening-ports$/;

/** Starts it on a free port of this machine. */
export async function coderd() {
  const server = createServer((request, response) => {
    const id = AGENT.exec(request.url)?.[1];
    const [status, body] = answer(id);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    end: () => server.close(),
  };
}

function answer(id) {
  if (!id) return [404, { message: 'Route not found.' }];
  if (/[0-3]$/.test(id)) return [400, { message: 'Agent state is "disconnected", it must be in the "connected" state.' }];
  if (/[45]$/.test(id)) return [500, { message: 'Internal error fetching listening ports.', detail: 'context deadline exceeded' }];
  return [200, { ports: [] }];
}
