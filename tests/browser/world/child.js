// Programs that end with us, whatever our own death.

import { spawn } from 'node:child_process';

// The shell's input ends when we do; then so does what it watches over.
const KEEPER = 'exec 3<&0; "$@" 3<&- </dev/null & child=$!; (cat <&3 >/dev/null; kill "$child") 2>/dev/null & wait "$child"';

/** Starts a program. Its log is kept, and followed by `said`. */
export function start(program, args, { env = {} } = {}) {
  const child = spawn('sh', ['-c', KEEPER, 'sh', program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let log = '';
  const waiting = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      log += text;
      for (const look of waiting) look();
    });
  }
  return {
    /** What the first line that fits says. */
    said: (pattern, seconds = 60) => new Promise((resolve, reject) => {
      const give = (settle, value) => {
        clearTimeout(timer);
        waiting.delete(look);
        settle(value);
      };
      const timer = setTimeout(() => give(reject, new Error(`${program} did not say ${pattern}:\n${log}`)), seconds * 1000);
      const look = () => {
        const found = pattern.exec(log);
        if (found) give(resolve, found);
      };
      ended.then(() => give(reject, new Error(`${program} has ended:\n${log}`)));
      waiting.add(look);
      look();
    }),
    /** Ends it, and waits until it has. */
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}
