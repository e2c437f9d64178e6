// The way to the database, which can be closed.

import { connect, createServer } from 'node:net';

/** A port of this machine that leads to the server's socket while it is open. */
export async function gate(socket) {
  const open = new Set();
  let isOpen = true;
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const database = connect(socket);
    for (const [one, other] of [[client, database], [database, client]]) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    isOpen = false;
    for (const it of open) it.destroy();
  };
  return {
    port: server.address().port,
    close,
    open: () => {
      isOpen = true;
    },
    end: () => {
      close();
      server.close();
    },
  };
}
