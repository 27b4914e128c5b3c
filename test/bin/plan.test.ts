import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020';
import type { PlanOutput } from '../../bin/plan/make-plan';

const root = join(__dirname, '../..');
const fixture = (name: string) => join('test/fixtures/deployment', `${name}.toml`);

/** As it is shipped: its bundle starts many times faster than its source. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/bin/wso2is-recovery.js', 'plan', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}

/** JSON that agrees with the published schema. */
function runJson(...args: string[]) {
  const { status, stdout } = run(...args, '--json');
  const output: unknown = JSON.parse(stdout);
  assert.ok(isOutput(output), JSON.stringify(isOutput.errors));
  return { status, output: output as PlanOutput & { readonly error: string } };
}

const isOutput = new Ajv({ strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, 'docs/plan-output.schema.json'), 'utf8')),
);

const good = ['--deployment', fixture('postgre-two-databases')];

test('feasible: a table, exit status 0', () => {
  const { status, stdout, stderr } = run(...good, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '7h', '--dr-rto', 'PT8H');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /identity_db │ Region +│ backup-continuous +│ continuously +│ 5m +│ log shipping 5m/);
  assert.match(stdout, /DR site │ backup-copy +│ every 2 h from 00:00 +│ 7h +│ interval 2h \+ start window/);
  assert.match(stdout, /all together │ DR site │ 38m 20s \(estimate\) │ new server 30m \+ restore 3m 20s \+ checks 5m/);
  assert.ok(!stdout.includes('\u001b'), 'no colour');
  assert.doesNotMatch(stdout, /cannot be met|warning/);
});

test('infeasible: the nearest that can be met, exit status 1, JSON all the same', () => {
  const { status, output } = runJson(...good, '--rpo', '1h', '--rto', '4h', '--database', 'main=multi-az-cluster');
  assert.equal(status, 1);
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
    output.infeasible.map((i) => [i.component, i.site, i.objectiveSeconds, i.nearestFeasibleSeconds]),
    [
      ['main', 'in-region', 3600, 32400],
      ['main', 'dr-site', 3600, null],
    ],
  );
});

test('an embedded database has no objective that could be met; a public key is warned of', () => {
  const { status, stdout } = run('--deployment', fixture('default-h2'), '--rpo', '1d', '--rto', '1d');
  assert.equal(status, 1);
  assert.match(
    stdout,
    /cannot be met: RPO 1d of identity_db at the DR site.*an embedded H2 database is no RDS resource/,
  );
  assert.match(
    stdout,
    /warning: cdk synth will stop: .* 'identity_db' .* got embedded H2 \(database\.identity_db, line 7\)/,
  );
  assert.match(stdout, /warning: \[encryption\] key is not set/);
});

describe('every database on a server is planned, whatever kinds are given', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'plan-')), 'deployment.toml');
  const database = (name: string, host: string) =>
    `[database.${name}]\ntype = "postgre"\nhostname = "${host}"\nname = "${name}"\n`;
  writeFileSync(
    file,
    [
      database('identity_db', 'a.example.com'),
      database('shared_db', 'b.example.com'),
      database('user', 'A.example.com.'),
      '[database.config]\nurl = "jdbc:h2:tcp://h2.example.com:9092/config"\n',
      '[[datasource]]\nid = "reports"\nurl = "$env{REPORTS_URL}"\n',
    ].join(''),
  );
  const objectives = ['--deployment', file, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '6h'];
  const planned = (output: PlanOutput) => [
    ...new Set(
      output.plan.filter(({ technique }) => technique === 'backup-snapshot').map(({ component }) => component),
    ),
  ];

  test('one resource a host, spelt as it may be; what stops the synth is said', () => {
    const { status, output } = runJson(...objectives);
    assert.equal(status, 1);
    assert.deepEqual(
      output.infeasible.map(({ component, site, nearestFeasibleSeconds }) => [component, site, nearestFeasibleSeconds]),
      [
        ['config', 'in-region', null],
        ['config', 'dr-site', null],
      ],
    );
    assert.deepEqual(planned(output), ['identity_db', 'shared_db', 'reports', 'repository']);
    assert.deepEqual(
      output.warnings.slice(0, 2).map((warning) => /^cdk synth will stop: .*'(\w+)'/.exec(warning)?.[1]),
      ['config', 'reports'],
    );
  });

  test('a kind is of the resource that holds the datasource, the others stay instances', () => {
    const { output } = runJson(...objectives, '--database', 'WSO2_SHARED_DB=aurora-global-database');
    assert.deepEqual(planned(output), ['identity_db', 'WSO2_SHARED_DB', 'reports', 'repository']);
    const global = output.plan.filter(({ technique }) => technique === 'aurora-global-database');
    assert.deepEqual(
      global.map(({ component }) => component),
      ['WSO2_SHARED_DB'],
    );
  });

  test('bad: a name that the file does not have, an H2 server, two kinds of one host', () => {
    const error = (...args: string[]) => {
      const { status, output } = runJson(...objectives, ...args);
      assert.equal(status, 2);
      return output.error;
    };
    assert.match(
      error('--database', 'main=rds-instance'),
      /`--database` must name .* one of identity_db, user, shared_db, reports, got 'main'/,
    );
    assert.match(error('--database', 'config=rds-instance'), /got 'config'/);
    assert.match(
      error('--database', 'identity_db=rds-instance', '--database', 'user=aurora-cluster'),
      /got 'identity_db' and 'user' for identity_db, user: leave out one/,
    );
  });
});

test('bad input: exit status 2 and what to change, in JSON too', () => {
  const missing = run('--deployment', 'no/such.toml', '--rpo', '1h', '--rto', '4h');
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /^error: `--deployment` must be a readable file, got no\/such\.toml \(ENOENT\)/);
  assert.equal(missing.stdout, '');
  const template = runJson('--deployment', fixture('helm'), '--rpo', '1h', '--rto', '4h');
  assert.equal(template.status, 2);
  assert.match(template.output.error, /helm\.toml:5:9: is a template that is not rendered yet/);
  const tighter = run(...good, '--rpo', '6h', '--rto', '4h', '--dr-rpo', '1h');
  assert.equal(tighter.status, 2);
  assert.match(tighter.stderr, /`--dr-rpo` must be at least `--rpo` \(6h\), got 1h/);
});

const reports = mkdtempSync(join(tmpdir(), 'plan-'));
const nullReport = join(reports, 'null.json');
writeFileSync(nullReport, 'null');
const negativeReport = join(reports, 'negative.json');
writeFileSync(
  negativeReport,
  '{ "formatVersion": 1, "drillId": "d", "components": [null, { "component": "repository", "measuredRtoSeconds": -1 }] }',
);

test('a component may be called as what objects have', () => {
  const { status, output } = runJson(
    ...good,
    ...['--rpo', '1h', '--rto', '4h', '--dr-rpo', '6h', '--volume', 'constructor', '--volume', '__proto__'],
    ...['--without', 'constructor=efs-replication', '--size', '__proto__=100'],
  );
  assert.equal(status, 0);
  const restored = output.recoveryTimes.filter(({ site }) => site === 'dr-site').slice(1, 3);
  assert.deepEqual(
    restored.map(({ component, seconds }) => [component, seconds]),
    [
      ['constructor', 41],
      ['__proto__', 2048],
    ],
  );
});

describe('bad options: exit status 2, JSON all the same', () => {
  for (const [args, error] of [
    [['--rto', '4x'], /argument '4x' is invalid\. It must be a duration/],
    [['--database', 'main=aurora'], /It must be NAME=KIND, where KIND is one of rds-instance, aurora-cluster/],
    [['--database', 'main=constructor'], /It must be NAME=KIND/],
    [['--database', 'a=rds-instance', '--database', 'a=rds-instance'], /'a' is given twice/],
    [['--volume', ''], /component names must not be empty, nor 'all together', got ''/],
    [['--volume', 'all together'], /component names must not be empty, nor 'all together', got 'all together'/],
    [['--measured', nullReport], /It must be the report\.json of a drill, format version 1/],
    [['--measured', negativeReport], /this one measured no time/],
    [['--volume', 'identity_db'], /component names must be unique, got 'identity_db' twice/],
    [['--size', 'other=20'], /`--size` must name one of identity_db, repository, got 'other': correct the name/],
    [['--size', 'identity_db=0'], /It must be a number more than 0/],
    [['--backup-window', 'identity_db=noon'], /`backupWindow` of identity_db must be hh:mm-hh:mm in UTC/],
    [['--without', 'identity_db=backup-copy'], /It must be NAME=TECHNIQUE, one of backup-continuous/],
    [['--keep', '36h'], /It must be whole days/],
    [['--keep', '7d', '--drill-every', '7d'], /the drill interval must be less than the shortest retention \(7 days\)/],
    [['--size', 'constructor=1'], /`--size` must name one of identity_db, repository, got 'constructor'/],
    [['--assume', 'exportSeconds=1m', '--assume', 'exportSeconds=2m'], /'exportSeconds' is given twice/],
    [['--assume', 'backupJob=20m'], /NAME must be one of backupJobSeconds/],
    [['--measured', 'README.md'], /It must be the report\.json of a drill/],
    [['--resolve', 'env:NONE=x'], /`resolve` must name references of .*postgre-two-databases\.toml, got 'env:NONE'/],
    [['--nonsense'], /unknown option '--nonsense'/],
  ] as const) {
    test(args.join(' '), () => {
      const { status, output } = runJson(...good, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '6h', ...args);
      assert.equal(status, 2);
      assert.match(output.error, error);
    });
  }
});

test('what is known is planned with', () => {
  const report = join(mkdtempSync(join(tmpdir(), 'plan-')), 'report.json');
  const components = [{ component: 'identity_db', measuredRtoSeconds: 700 }];
  writeFileSync(report, JSON.stringify({ formatVersion: 1, drillId: 'd-1', measuredRtoSeconds: 900, components }));
  const { status, output } = runJson(
    ...good,
    ...['--rpo', '26h', '--rto', '8h', '--dr-rpo', '30h', '--dr-rto', '8h'],
    ...['--maintenance-window', 'identity_db=sun:12:30-sun:13:00', '--backup-window', 'identity_db=12:00-12:30'],
    ...['--size', 'identity_db=100', '--files', 'repository=500000', '--assume', 'backupJobSeconds=20m'],
    ...['--keep', '40d', '--keep-yearly', '800d', '--efs-cold-after', '30d', '--measured', report],
  );
  assert.equal(status, 0);
  assert.deepEqual(
    output.plan
      .filter(({ purpose }) => purpose === 'promise')
      .map(({ technique, worstCaseSeconds }) => [technique, worstCaseSeconds]),
    [
      ['backup-snapshot', 91_200],
      ['backup-copy', 102_000],
      ['artifact-export', 87_300],
      ['artifact-export-replicated', 88_200],
    ],
  );
  assert.deepEqual(
    output.recoveryTimes.map(({ basis, seconds }) => [basis, seconds]),
    [
      ['estimate', 2800],
      ['estimate', 2000],
      ['estimate', 3100],
      ['measured', 700],
      ['estimate', 2000],
      ['measured', 900],
    ],
  );
  assert.deepEqual(output.warnings, []);
});

test('an Aurora Global Database, without the export: both are named', () => {
  const { status, output } = runJson(
    ...good,
    ...['--rpo', '4h', '--rto', '4h', '--dr-rpo', '7h', '--database', 'main=aurora-global-database'],
    ...['--without', 'repository=artifact-export', '--without', 'repository=efs-replication'],
  );
  assert.equal(status, 0);
  assert.deepEqual(
    output.plan.map(({ technique, purpose }) => `${technique} ${purpose}`),
    [
      'backup-continuous promise',
      'backup-snapshot history',
      'aurora-global-database promise',
      'backup-copy history',
      'backup-snapshot promise',
      'backup-copy promise',
    ],
  );
});

test('infeasible, for people: what would meet it', () => {
  const { status, stdout } = run(...good, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '1h');
  assert.equal(status, 1);
  assert.match(stdout, /rds-automated-backup-replication │ continuously +│ 1h 5m \(too old\) │/);
  assert.match(
    stdout,
    /cannot be met: RPO 1h of identity_db at the DR site; the nearest that can is 1h 5m \(log shipping/,
  );
  assert.match(stdout, /^ {2}would meet it: an Aurora Global Database in its place, .*: 1m$/m);
});

test('on a Node without zstd a plan is made, and what works on archives says what it needs', () => {
  const hide =
    'import z from "node:zlib"; import m from "node:module"; delete z.zstdCompress; m.syncBuiltinESMExports()';
  const old = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(hide)}`,
        '--import',
        'tsx',
        'bin/wso2is-recovery.ts',
        ...args,
      ],
      { cwd: root, encoding: 'utf8' },
    );
  const planned = old('plan', ...good, '--rpo', '1h', '--rto', '4h', '--dr-rpo', '6h');
  assert.equal(planned.status, 0, planned.stderr);
  const listed = old('list', 's3://bucket/prefix', '--json');
  assert.equal(listed.status, 2);
  assert.match(
    (JSON.parse(listed.stdout) as { error: string }).error,
    /^list needs Node >= 22\.15 for zstd, this is v/,
  );
});
