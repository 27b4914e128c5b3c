import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseDuration } from '../../bin/duration';
import { formatDuration } from '../../lib/planning/duration';

const root = join(__dirname, '../..');
const fixture = (name: string) => join('test/fixtures/deployment', `${name}.toml`);
const PROGRAM = `
  import { Command } from 'commander';
  import { registerPlan } from './bin/commands/plan';
  const program = new Command();
  registerPlan(program);
  program.parse(['node', 'wso2is-recovery', ...process.argv.slice(1)]);
`;

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', PROGRAM, '--', 'plan', ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  );
  return { status, stdout, stderr };
}

const good = ['--deployment', fixture('postgre-two-databases')];

test('feasible: a table, exit status 0', () => {
  const { status, stdout, stderr } = run(...good, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '6h', '--dr-rto', 'PT8H');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /identity_db │ in the Region +│ backup-continuous +│ continuously +│ 5m +│ log shipping 5m/);
  assert.match(stdout, /at the DR site │ backup-copy +│ hourly at :00 +│ 6h +│ interval 1h \+ start window/);
  assert.match(
    stdout,
    /all together │ at the DR site │ 38m 20s \(estimate\) │ new server 30m \+ restore 3m 20s \+ checks 5m/,
  );
  assert.ok(!stdout.includes('\u001b'), 'no colour');
  assert.doesNotMatch(stdout, /cannot be met|warning/);
});

test('infeasible: the nearest that can be met, exit status 1, JSON all the same', () => {
  const { status, stdout } = run(
    ...good,
    '--rpo',
    '1h',
    '--rto',
    '4h',
    '--database',
    'main=multi-az-cluster',
    '--json',
  );
  assert.equal(status, 1);
  const output = JSON.parse(stdout);
  assert.deepEqual(Object.keys(output), [
    'formatVersion',
    'databases',
    'restoreDependencies',
    'plan',
    'infeasible',
    'recoveryTimes',
    'usdPerMonth',
    'warnings',
  ]);
  assert.deepEqual(output.databases[1], {
    section: 'database.shared_db',
    datasource: 'shared_db',
    type: 'postgre',
    host: 'is.abcdefg.eu-central-1.rds.amazonaws.com',
    port: 5432,
    name: 'shared_db',
    embedded: false,
    line: 16,
  });
  assert.deepEqual(
    output.infeasible.map((i: Record<string, unknown>) => [
      i.component,
      i.site,
      i.objectiveSeconds,
      i.nearestFeasibleSeconds,
    ]),
    [
      ['main', 'in-region', 3600, 32400],
      ['main', 'dr-site', 3600, 43200],
    ],
  );
});

test('an embedded database and a public key are warned of', () => {
  const { status, stdout } = run('--deployment', fixture('default-h2'), '--rpo', '1d', '--rto', '1d');
  assert.equal(status, 0);
  assert.match(stdout, /warning: \[database\.identity_db\] \(line 7\) is an embedded H2 database/);
  assert.match(stdout, /warning: \[encryption\] key is not set/);
});

test('bad input: exit status 2 and what to change, in JSON too', () => {
  const missing = run('--deployment', 'no/such.toml', '--rpo', '1h', '--rto', '4h');
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /^error: `--deployment` must be a readable file, got no\/such\.toml \(ENOENT\)/);
  assert.equal(missing.stdout, '');
  const template = run('--deployment', fixture('helm'), '--rpo', '1h', '--rto', '4h', '--json');
  assert.equal(template.status, 2);
  assert.match(JSON.parse(template.stdout).error, /helm\.toml:5:9: is a template that is not rendered yet/);
  const tighter = run(...good, '--rpo', '6h', '--rto', '4h', '--dr-rpo', '1h');
  assert.equal(tighter.status, 2);
  assert.match(tighter.stderr, /`--dr-rpo` must be at least `--rpo` \(6h\), got 1h/);
});

describe('durations', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['30m', 1800],
    ['1h', 3600],
    ['1h30m', 5400],
    ['1d', 86400],
    ['PT1H30M', 5400],
    ['P1D', 86400],
    ['P1DT1S', 86401],
    ['P2W', 1209600],
  ] as const) {
    test(`${text} is ${seconds} s`, () => assert.equal(parseDuration(text), seconds));
  }
  for (const text of [
    '',
    '0h',
    '1',
    'h',
    '-1h',
    '1.5h',
    '1h 30m',
    'P',
    'PT',
    'P1M',
    'P1Y',
    '1w',
    '99999999999999999h',
  ]) {
    test(`'${text}' is none`, () => assert.equal(parseDuration(text), undefined));
  }
  test('written for people', () => {
    assert.equal(formatDuration(300), '5m');
    assert.equal(formatDuration(95_461), '1d 2h 31m 1s');
  });
});
