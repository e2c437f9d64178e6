// What the run has started.

/** Where everything is; only there when started by `run.js`. */
export const known = JSON.parse(process.env.WORLD ?? '{}');
if (!known.browser) throw new Error('these tests are run by scripts/check-pages');
