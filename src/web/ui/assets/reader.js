// What helps a reader and needs no server: copies, keys, and one clock. The pages work without it.

const help = document.getElementById('keys');
const zone = document.getElementById('zone');
const times = document.getElementById('times');
const announcement = document.getElementById('announcement');

/* Copies. */

/** Copies what stands beside a button, or what a link leads to; else the link leads there. */
async function copy(event, button) {
  event.preventDefault();
  try {
    const text = button.href ? await textAt(button.href) : button.parentElement.querySelector('pre').textContent;
    await put(text);
    const before = button.textContent;
    button.textContent = 'Copied';
    announcement.textContent = 'Copied';
    setTimeout(() => { button.textContent = before; }, 2_000);
  } catch {
    if (button.href) location.assign(button.href);
  }
}

async function textAt(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}

/** The clipboard is there on https and localhost only; elsewhere a selection is copied. */
async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (!done) throw new Error('not copied');
}

/* Keys. */

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.closest?.('input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]')) return;
  const act = { '/': find, '?': () => help.showModal(), j: () => step(1), k: () => step(-1), t: () => setTimes(!areInFull()) }[event.key];
  if (act && act() !== false) event.preventDefault();
}

function find() {
  const field = document.querySelector('[data-find]');
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}

/** To the agent of the next row, or of the one before; Enter opens it. */
function step(by) {
  const links = [...document.querySelectorAll('#problems td[data-label=Agent] a')];
  const row = document.activeElement?.closest('tr');
  const at = links.findIndex((it) => it.closest('tr') === row);
  const next = links[at < 0 ? 0 : Math.max(0, Math.min(at + by, links.length - 1))];
  next?.focus();
  return Boolean(next);
}

/* One clock: UTC, or the browser's zone, as the reader chose. */

const isLocal = () => zone.getAttribute('aria-pressed') === 'true';

/** `2026-11-28 16:13:10 UTC`, or the same in the browser's zone. */
function clock(date, local) {
  const two = (number) => String(number).padStart(2, '0');
  const of = local ? '' : 'UTC';
  const get = (part) => date[`get${of}${part}`]();
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const offset = `${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  return {
    day: `${get('FullYear')}-${two(get('Month') + 1)}-${two(get('Date'))}`,
    time: `${two(get('Hours'))}:${two(get('Minutes'))}`,
    seconds: `:${two(get('Seconds'))}`,
    zone: local ? offset : 'UTC',
  };
}

function showClock(root = document) {
  const local = isLocal();
  if (!local && !zone.dataset.used) return;
  zone.dataset.used = 'yes';
  for (const it of root.querySelectorAll('time[datetime]')) {
    const date = new Date(it.getAttribute('datetime'));
    if (Number.isNaN(date.getTime())) continue;
    const said = clock(date, local);
    it.title = `${said.day} ${said.time}${said.seconds} ${said.zone}`;
    const texts = { time: `${said.time} ${said.zone}`, minute: `${said.day} ${said.time} ${said.zone}`, second: it.title };
    const text = texts[it.dataset.clock];
    if (text && it.textContent !== text) it.textContent = text;
  }
}

function setZone(local) {
  zone.setAttribute('aria-pressed', String(local));
  remember('zone', local ? 'browser' : 'utc');
  showClock();
}

/* Ages alone, or with their moments. */

const areInFull = () => times.getAttribute('aria-pressed') === 'true';

/** The style shows the titles of all times where the page says so. */
function setTimes(inFull) {
  times.setAttribute('aria-pressed', String(inFull));
  document.documentElement.toggleAttribute('data-full-times', inFull);
  remember('times', inFull ? 'full' : 'age');
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch { /* Not remembered where storage is off. */ }
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function onClick(event) {
  const button = event.target.closest?.('button[data-copy-text], a[data-copy]');
  if (button && !event.ctrlKey && !event.metaKey && !event.shiftKey) copy(event, button);
}

function onFresh() {
  showClock();
  for (const it of document.querySelectorAll('button[data-copy-text]')) it.hidden = false;
}

document.addEventListener('click', onClick);
document.addEventListener('keydown', onKey);
document.addEventListener('fresh', onFresh);
zone.hidden = false;
zone.addEventListener('click', () => setZone(!isLocal()));
if (remembered('zone') === 'browser') setZone(true);
times.hidden = false;
times.addEventListener('click', () => setTimes(!areInFull()));
if (remembered('times') === 'full') setTimes(true);
const helpButton = document.getElementById('help');
helpButton.hidden = false;
helpButton.addEventListener('click', () => help.showModal());
onFresh();

