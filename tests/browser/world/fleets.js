// Who is in the fleets that stand still.

export const PROBLEMS = ['disconnected', 'terminated', 'stuck_connecting', 'connect_timeout', 'start_error', 'stuck_created', 'stuck_starting'];
const OTHERS = ['connecting', 'starting', 'healthy', 'shutdown'];

const OWNERS = ['ada', 'grace', 'linus', 'margaret', 'radia'];
const PLACES = [['acme', 'aws-linux'], ['acme', 'kubernetes'], ['acme', 'gpu-lab'], ['umbrella', 'kubernetes'], ['umbrella', 'docs']];

/** Names that would do harm if they were taken for anything but names. */
export const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  '\'"&lt;&amp;&#60;`\\',
  '</td></tr></table><h1>gone</h1>',
  '<svg/onload=alert(1)>',
  'javascript:alert(1)//',
  '\u202egnp.exe\u202c\u2066x\u2069',
  'שלום عليكم',
  '🦀'.repeat(64),
  'x'.repeat(300),
  'two\nlines\tand more',
  '\u001b[31mred\u0007',
  '\u200b\ufeff',
  '../../../metrics?q=#problems',
  '%3Cscript%3E{{7*7}}${7*7}',
  '<!--',
];

const one = (index, health, ago) => {
  const [organization, template] = PLACES[index % PLACES.length];
  const owner = OWNERS[Math.floor(index / PLACES.length) % OWNERS.length];
  return { organization, template, owner, workspace: `box-${index}`, agent: index % 4 ? 'main' : 'dev', health, ago };
};

/** Of every class a few, each problem of another age. */
export function small() {
  const problems = PROBLEMS.flatMap((health) => Array(4).fill(health));
  const others = OTHERS.flatMap((health) => Array(health === 'healthy' ? 30 : 3).fill(health));
  return [
    ...problems.map((health, index) => one(index, health, 3_000 + index * 977)),
    ...others.map((health, index) => one(100 + index, health, 0)),
  ];
}

/** Two incidents: the agents of two templates, each lost within a minute. One has a name that would do harm. */
export function together() {
  const lost = (template, count, ago) => Array.from({ length: count }, (_, index) =>
    ({ ...one(index, 'disconnected', ago - index), organization: 'acme', template, owner: `${template.slice(0, 3)}-${index}` }));
  const well = Array.from({ length: 60 }, (_, index) => ({ ...one(10_000 + index, 'healthy', 0), template: 'docs' }));
  return [...lost('gpu-lab', 24, 5_000), ...lost(HOSTILE[1], 12, 9_000), ...well];
}

/** Six thousand agents of all templates, lost within half a minute, and as many of their neighbours well as are left. */
export const lost = () => Array.from({ length: 6_100 }, (_, index) =>
  ({ ...one(index, index % 61 ? 'disconnected' : 'healthy', 4_000 + (index % 30)), owner: `owner-${index % 900}`, agent: 'main' }));

/** Five thousand problems, the oldest of them with the worst names, and some that are well. */
export function large() {
  const cut = (text) => [...text].slice(0, 64).join('');
  const hostile = HOSTILE.map((name, index) => ({
    organization: index < 8 ? name : `hostile ${index}`,
    template: cut(name),
    owner: name,
    workspace: cut(name),
    agent: cut(name),
    health: 'disconnected',
    ago: 900_000 - index * 100,
  }));
  const problems = Array.from({ length: 5_000 - hostile.length }, (_, index) =>
    one(index, PROBLEMS[index % PROBLEMS.length], 3_000 + index * 7));
  const well = Array.from({ length: 600 }, (_, index) => one(10_000 + index, 'healthy', 0));
  return [...hostile, ...problems, ...well];
}
