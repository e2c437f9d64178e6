// Stands in for coderd: it is well, and reaches every agent but those whose id ends in one of a few
// digits.

import { createServer } from 'node:http';

const AGENT = /^\/api\/v2\/workspaceagents\/([0-9a-f-]{36})\/listening-ports$/;

/** Starts it on a port of this machine, a free one unless another is said. */
export async function coderd(port = 0) {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.end('OK');
      return;
    }
    const id = AGENT.exec(request.url)?.[1];
    const [status, body] = answer(id);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    end: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(id) {
  if (!id) return [404, { message: 'Route not found.' }];
  if (/[0-3]$/.test(id)) return [400, { message: 'Agent state is "disconnected", it must be in the "connected" state.' }];
  if (/[45]$/.test(id)) return [500, { message: 'Internal error fetching listening ports.', detail: 'context deadline exceeded' }];
  return [200, { ports: [] }];
}
