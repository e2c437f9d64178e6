// The pages work without this; it only saves reloading. It asks for the same address again, reads
// the page it gets, and puts what is new in place of what is old: it makes no markup of its own.

const EVERY = 5_000;
const SLOWEST = 60_000;
const TYPING = 200;

const live = document.querySelector('[data-live]');
const trouble = document.getElementById('trouble');
const announcement = document.getElementById('announcement');
const pause = document.getElementById('pause');

/* Times go on between two answers. */

/** The two largest units, as the server writes them: `3d 4h`, `2m 5s`, `0s`. */
function age(seconds) {
  const parts = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [name, length] of [['d', 86400], ['h', 3600], ['m', 60], ['s', 1]]) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count > 0 || parts.length > 0 || length === 1) parts.push(count + name);
  }
  return parts.slice(0, 2).join(' ');
}

let serverNow = Number(live?.dataset.now);
let readAt = performance.now();

function tick() {
  const now = serverNow + (performance.now() - readAt) / 1000;
  if (Number.isNaN(now)) return;
  for (const it of live.querySelectorAll('time[data-since]')) {
    setText(it, age(now - Number(it.dataset.since)));
  }
  for (const it of live.querySelectorAll('[data-next]')) {
    it.hidden = false;
    setText(it, nextTry());
  }
  doubt(now);
}

/** When it is asked again, where nothing is known. */
function nextTry() {
  if (isPaused) return 'This page is paused.';
  const seconds = Math.ceil((dueAt - performance.now()) / 1000);
  return asking || seconds <= 0 ? 'It is asked now.' : `The next try is in ${seconds} s.`;
}

/** What the server said of the fleet holds no more when its data is old or it does not answer. */
function doubt(now) {
  const verdict = live.querySelector('[data-verdict]');
  const old = now - Number(live.dataset.at);
  if (!verdict || !(failures > 0 || old > Number(live.dataset.old))) return;
  const said = verdict.dataset.said ?? verdict.textContent.trim();
  verdict.dataset.said = said;
  verdict.className = 'verdict unknown';
  const why = failures > 0 ? 'the exporter does not answer' : 'this page is not refreshed';
  setText(verdict, `Unknown: ${why}. ${age(old)} ago: ${said}`);
  document.title = failures > 0 ? 'Exporter does not answer · Coder agents' : 'Old data · Coder agents';
}

function setText(element, text) {
  // One text node, changed in place: a selection that spans it stays.
  const node = element.firstChild;
  if (node?.nodeType === Node.TEXT_NODE && element.childNodes.length === 1) {
    if (node.data !== text) node.data = text;
  } else {
    element.textContent = text;
  }
}

/* New in place of old. */

const keyOf = (node) =>
  node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || null : null;

const isSame = (one, other) =>
  one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

/** Makes `old` what `fresh` is, and keeps every node that can stay. */
function update(old, fresh, asked) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.hasAttribute('data-keep')) return;
  updateAttributes(old, fresh);
  if (asked) updateControl(old, fresh);
  if (old.tagName === 'TIME' && fresh.hasAttribute('data-since')) setText(old, fresh.textContent);
  else updateChildren(old, fresh, asked);
}

function updateAttributes(old, fresh) {
  // What the reader opened stays open.
  const isKept = (name) => name === 'open' && old.tagName === 'DETAILS';
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isKept(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !isKept(name)) old.setAttribute(name, value);
  }
}

/** What the reader is typing or choosing is theirs, until they go to another address. */
function updateControl(old, fresh) {
  if (old === document.activeElement && old.matches('[data-find]') && asking?.typed) return;
  if (old.tagName === 'INPUT' && (old.type === 'checkbox' || old.type === 'radio')) old.checked = fresh.defaultChecked;
  else if (old.tagName === 'INPUT') old.value = fresh.defaultValue;
  else if (old.tagName === 'OPTION') old.selected = fresh.defaultSelected;
}

function updateChildren(old, fresh, asked) {
  const wanted = [...fresh.childNodes];
  const keys = new Set(wanted.map(keyOf).filter(Boolean));
  const byKey = new Map();
  for (const it of [...old.childNodes]) {
    const key = keyOf(it);
    if (key && !keys.has(key)) it.remove();
    else if (key) byKey.set(key, it);
  }
  let next = old.firstChild;
  for (const it of wanted) {
    const key = keyOf(it);
    let match = key ? byKey.get(key) : null;
    if (match && !isSame(match, it)) match = null;
    // One that moved back makes way, so that those behind it need not move.
    if (match && next && match !== next && next.nextSibling === match) {
      const moved = next;
      next = match;
      moved.remove();
    }
    if (!match && !key && next && !keyOf(next) && isSame(next, it)) match = next;
    if (match === next && match) {
      next = next.nextSibling;
    } else if (match) {
      old.insertBefore(match, next);
    } else {
      const made = document.importNode(it, true);
      if (made.tagName === 'TR') made.classList.add('new');
      old.insertBefore(made, next);
      continue;
    }
    update(match, it, asked);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

/* Asking. */

let asking = null;
let failures = 0;
let failingSince = null;
let timer = 0;
let dueAt = 0;
let isPaused = false;

/** Fetches an address of this page and shows it. `asked` is whether the reader wants another. */
async function show(address, { asked = false, typed = false } = {}) {
  asking?.control.abort();
  const mine = { control: new AbortController(), typed };
  asking = mine;
  clearTimeout(timer);
  const patience = setTimeout(() => mine.control.abort('late'), 30_000);
  try {
    const response = await fetch(address, { signal: mine.control.signal, headers: { Accept: 'text/html' } });
    const text = await response.text();
    if (asking !== mine) return false;
    if (!response.ok) throw new Error(`status ${response.status}`);
    const page = new DOMParser().parseFromString(text, 'text/html');
    const fresh = page.querySelector('[data-live]');
    if (!fresh) throw new Error('unexpected page');
    take(page, fresh, asked);
    return true;
  } catch (error) {
    if (asking === mine) complain(error);
    return false;
  } finally {
    clearTimeout(patience);
    if (asking === mine) {
      asking = null;
      schedule();
    }
  }
}

function take(page, fresh, asked) {
  const before = live.dataset.problems;
  const focused = document.activeElement;
  update(live, fresh, asked);
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  document.title = page.title;
  serverNow = Number(live.dataset.now);
  readAt = wholeAt = performance.now();
  failures = 0;
  failingSince = null;
  trouble.hidden = true;
  live.classList.remove('stale');
  announce(before, live.dataset.problems, asked);
  document.dispatchEvent(new Event('fresh'));
}

/** To a screen reader: only that the number of problems changed, or what was asked for. */
function announce(before, after, asked) {
  if (asked) setText(announcement, live.querySelector('[data-count], .empty')?.textContent ?? '');
  else if (before !== after) setText(announcement, live.querySelector('h1')?.textContent ?? '');
}

function complain(error) {
  failures += 1;
  failingSince ??= new Date();
  const reason = error instanceof TypeError || error === 'late' ? '' : `: ${error.message ?? error}`;
  const time = failingSince.toLocaleTimeString([], { hour12: false });
  setText(trouble, `The exporter has not answered since ${time}${reason}. This page shows old data.`);
  trouble.hidden = false;
  live.classList.add('stale');
  tick();
  if (!live.querySelector('[data-verdict]')) document.title = `? ${document.title.replace(/^\? /, '')}`;
}

function schedule() {
  clearTimeout(timer);
  if (isPaused || document.hidden) return;
  const wait = Math.min(EVERY * 2 ** failures, SLOWEST);
  dueAt = performance.now() + wait;
  timer = setTimeout(refresh, wait);
}

/** The whole page is asked for where what it says has changed, and once a minute for the rest. */
const WHOLE = 60_000;
let wholeAt = performance.now();

const refresh = () => (live.dataset.version && performance.now() - wholeAt < WHOLE ? pulse() : show(location.href));

async function pulse() {
  const mine = { control: new AbortController() };
  asking = mine;
  clearTimeout(timer);
  const patience = setTimeout(() => mine.control.abort('late'), 30_000);
  let isOther = false;
  try {
    const response = await fetch(`${live.dataset.pulse}${location.search}`, { signal: mine.control.signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { now, at, version } = await response.json();
    if (asking !== mine) return;
    isOther = version !== live.dataset.version || failures > 0;
    if (!isOther) beat(now, at);
  } catch (error) {
    if (asking === mine) complain(error);
  } finally {
    clearTimeout(patience);
    if (asking === mine) {
      asking = null;
      if (isOther) show(location.href);
      else schedule();
    }
  }
}

/** The page still says what is so: its ages go on. */
function beat(now, at) {
  serverNow = now;
  readAt = performance.now();
  live.dataset.at = at;
  const asOf = live.querySelector('.as-of time[data-since]');
  if (asOf) asOf.dataset.since = Math.floor(at);
  tick();
}

/* The reader's part. */

/** Goes to another address of this page; back leads to where the reader was. */
async function go(address, { replace = false, typed = false } = {}) {
  const url = new URL(address, location.href);
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  return show(url, { asked: true, typed });
}

/** What the form says, without what it leaves empty. */
function addressOf(form) {
  const url = new URL(form.action);
  const said = [];
  for (const [name, value] of new FormData(form)) {
    const same = name === 'health' && said.find((it) => it[0] === name);
    if (same) same[1] += `,${value}`;
    else if (value) said.push([name, value]);
  }
  const pairs = said.map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2C/g, ',').replace(/%2F/g, '/')}`);
  url.search = pairs.join('&');
  // Who is sent a link with a filter lands on its results.
  if (!url.search) url.hash = '';
  return url;
}

let burst = 0;
let typing = 0;

function onInput(event) {
  const form = event.target.closest('form[data-filters]');
  if (!form) return;
  clearTimeout(typing);
  if (!event.target.matches('[data-find]')) {
    go(addressOf(form));
    return;
  }
  // One step back leads to before the word, not to before its last letter.
  const replace = Date.now() - burst < 3_000;
  typing = setTimeout(() => {
    burst = Date.now();
    go(addressOf(form), { replace, typed: true });
  }, TYPING);
}

function onSubmit(event) {
  const form = event.target.closest('form[data-filters]');
  if (!form) return;
  event.preventDefault();
  clearTimeout(typing);
  go(addressOf(form));
}

async function onClick(event) {
  const link = event.target.closest?.('a[data-swap], a[data-reload]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (link.hasAttribute('data-reload')) {
    refresh();
    return;
  }
  // What was typed just before would otherwise be sent after this, and undo it.
  clearTimeout(typing);
  const address = link.href.baseVal ?? link.href;
  const url = new URL(address, location.href);
  if (await go(url) && url.hash) reveal(url.hash);
}

function reveal(hash) {
  const section = document.getElementById(hash.slice(1));
  section?.scrollIntoView({ block: 'start' });
  section?.querySelector('h2')?.focus({ preventScroll: true });
}

function togglePause() {
  isPaused = !isPaused;
  pause.setAttribute('aria-pressed', String(isPaused));
  tick();
  setText(pause, isPaused ? 'Paused' : 'Pause');
  if (isPaused) clearTimeout(timer);
  else refresh();
}

if (live) {
  document.addEventListener('input', onInput);
  document.addEventListener('submit', onSubmit);
  document.addEventListener('click', onClick);
  window.addEventListener('popstate', () => show(location.href, { asked: true }));
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer);
    else if (!isPaused) refresh();
  });
  if (pause) {
    pause.hidden = false;
    pause.addEventListener('click', togglePause);
  }
  setInterval(tick, 1000);
  schedule();
}
