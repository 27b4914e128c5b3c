import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { type Course, judge } from '../../../lambda/drill/verdict';
import { MANIFEST_KEY, passingChecks, PLAN } from './fake-site';

const CHECKS = passingChecks({
  drillId: 'drill-1',
  deployment: 'prod',
  databases: [{ name: 'is-db', host: 'h', port: 1, secretArn: 's', datasources: PLAN.databases[0]?.datasources ?? [] }],
  volumes: [{ name: 'repository', mountedAt: 'repository', archivePrefix: 'a/', manifestKey: MANIFEST_KEY }],
  plannedDatasources: PLAN.databases[0]?.datasources ?? [],
  restoreDependencies: PLAN.restoreDependencies,
});

const GOOD: Course = {
  mode: 'drill',
  site: 'dr-site',
  asked: {},
  drillId: 'drill-1',
  deployment: 'prod',
  region: 'eu-central-1',
  startedAt: '2026-11-24T12:00:00.000Z',
  checkedAt: '2026-11-24T12:30:00.000Z',
  endedAt: '2026-11-24T12:40:00.000Z',
  plan: PLAN,
  recoverySet: {
    chosen: [
      { component: 'is-db', id: 'snapshot', technique: 'backup-copy', moment: '2026-11-24T11:40:00.000Z' },
      {
        component: 'repository',
        id: MANIFEST_KEY,
        technique: 'artifact-export-replicated',
        moment: '2026-11-24T11:45:00.000Z',
      },
    ],
    missing: [],
    passedOver: [],
    skewSeconds: 300,
    moment: '2026-11-24T11:40:00.000Z',
  },
  restored: [
    { component: 'is-db', usableAt: '2026-11-24T12:20:00.000Z' },
    { component: 'repository', usableAt: '2026-11-24T12:05:00.000Z' },
  ],
  checks: CHECKS,
  ownChecks: [],
  failures: [],
  steps: [],
  leftBehind: [],
};

const goodWithout = (...names: (keyof Course)[]) =>
  ({
    ...Object.fromEntries(Object.entries(GOOD).filter(([name]) => !names.includes(name as keyof Course))),
    checks: [],
  }) as unknown as Course;
const objectives = (rpoSeconds: number, rtoSeconds: number) => ({
  ...PLAN,
  objectives: { ...PLAN.objectives, drSite: { rpoSeconds, rtoSeconds } },
});
const without = (check: string) => CHECKS.filter((outcome) => outcome.check !== check);
const status = (check: string, status: string) =>
  CHECKS.map((outcome) => (outcome.check === check ? { ...outcome, status: status as 'PASSED' } : outcome));

describe('judge', () => {
  it('measures loss and recovery time, in total and by component', () => {
    const report = judge(GOOD);
    assert.equal(report.verdict, 'PASSED');
    assert.equal(report.measuredRpoSeconds, 1200);
    assert.equal(report.measuredRtoSeconds, 1800);
    assert.equal(report.skewSeconds, 300);
    assert.deepEqual(
      report.components.map(({ component, measuredRpoSeconds, measuredRtoSeconds, promisedRpoSeconds }) => [
        component,
        measuredRpoSeconds,
        measuredRtoSeconds,
        promisedRpoSeconds,
      ]),
      [
        ['is-db', 1200, 1200, 14_000],
        ['repository', 900, 300, 2000],
      ],
    );
  });

  const rows: readonly [string, Partial<Course>, string, readonly (string | RegExp)[]][] = [
    ['objectives met to the second', { plan: objectives(1200, 1800) }, 'PASSED', []],
    [
      'RPO missed by a second',
      { plan: objectives(1199, 1800) },
      'FAILED',
      [/^RPO not met: 20 min measured, at most 19 min 59 s/],
    ],
    [
      'RTO missed by a second',
      { plan: objectives(1200, 1799) },
      'FAILED',
      [/^RTO not met: 30 min measured, at most 29 min 59 s/],
    ],
    ['a failure on the way', { failures: ['the sky fell'] }, 'FAILED', ['the sky fell']],
    [
      'a component that nobody restored',
      { restored: GOOD.restored.slice(0, 1) },
      'FAILED',
      ['repository: not restored: the drill did not come to it'],
    ],
    [
      'a check that failed',
      { checks: status('artifact-hashes', 'FAILED') },
      'FAILED',
      ['repository: artifact-hashes: as it should be'],
    ],
    [
      'a status that nobody knows',
      { checks: status('artifact-hashes', 'MAYBE') },
      'FAILED',
      ['repository: artifact-hashes: as it should be (unknown status "MAYBE")'],
    ],
    [
      'a check of a component that is missing',
      { checks: without('artifact-hashes') },
      'FAILED',
      ['repository: check artifact-hashes was made 0 times instead of 1'],
    ],
    [
      'one datasource of two was checked',
      { checks: CHECKS.filter((_outcome, index) => index !== 0) },
      'FAILED',
      ['is-db: check datasource-connects was made 1 times instead of 2'],
    ],
    [
      'a check of the deployment is missing',
      { checks: without('tenants-agree') },
      'FAILED',
      ['check tenants-agree was not made'],
    ],
    [
      "a check of the user's own is missing",
      { ownChecks: ['own: smoke'] },
      'FAILED',
      ['check own: smoke was not made'],
    ],
    ['there was nothing to compare the tenants with', { checks: status('tenants-agree', 'SKIPPED') }, 'PASSED', []],
    [
      'hashes were skipped',
      { checks: status('artifact-hashes', 'SKIPPED') },
      'FAILED',
      ['repository: check artifact-hashes was skipped: as it should be'],
    ],
    ['a warning', { checks: status('encryption-key', 'WARNING') }, 'PASSED_WITH_WARNINGS', []],
    ['something left behind', { leftBehind: ['DB instance x'] }, 'PASSED_WITH_WARNINGS', []],
    [
      'a failed check of something that the plan does not name',
      {
        checks: [
          ...CHECKS,
          { check: 'own', component: 'elsewhere', status: 'FAILED', reason: 'no', compared: {}, durationMs: 1 },
        ],
      },
      'FAILED',
      ['elsewhere: own: no'],
    ],
  ];
  for (const [what, change, verdict, causes] of rows) {
    it(`${what}: ${verdict}`, () => {
      const report = judge({ ...GOOD, ...change });
      assert.equal(report.verdict, verdict, JSON.stringify(report.causes));
      assert.equal(report.causes.length, causes.length, JSON.stringify(report.causes));
      causes.forEach((cause, index) =>
        typeof cause === 'string'
          ? assert.equal(report.causes[index], cause)
          : assert.match(report.causes[index] ?? '', cause),
      );
    });
  }

  it('checks that did not run: FAILED, without a recovery time', () => {
    const report = judge(goodWithout('checkedAt'));
    assert.equal(report.verdict, 'FAILED');
    assert.deepEqual(report.causes, ['the checks did not run']);
    assert.equal(report.measuredRtoSeconds, undefined);
    assert.deepEqual(
      report.components.map(({ verdict }) => verdict),
      ['FAILED', 'FAILED'],
    );
  });

  it('names the first cause first: what broke the course before, while and after restoring', () => {
    const restoreFailed = [
      { component: 'is-db', failure: 'no capacity' },
      { component: 'repository', usableAt: '2026-11-24T12:05:00.000Z' },
    ];
    const causes = (course: Partial<Course>) => judge({ ...goodWithout('checkedAt'), ...course }).causes;
    assert.deepEqual(causes({ restored: restoreFailed, failures: ['checks: out of memory'] }), [
      'is-db: not restored: no capacity',
      'checks: out of memory',
      'the checks did not run',
    ]);
    assert.deepEqual(causes({ restored: [], failures: ['restore: throttled'] }), [
      'restore: throttled',
      'is-db: not restored: the drill did not come to it',
      'repository: not restored: the drill did not come to it',
      'the checks did not run: nothing was restored',
    ]);
    const late = judge({
      ...GOOD,
      plan: objectives(1199, 1799),
      checks: status('tables-present', 'FAILED'),
      restored: [...GOOD.restored.slice(0, 1), { component: 'repository', failure: 'pack 3f09 is damaged' }],
    });
    assert.deepEqual(late.causes, [
      'repository: not restored: pack 3f09 is damaged',
      'is-db: tables-present: as it should be',
      'RPO not met: 20 min measured, at most 19 min 59 s wanted',
      'RTO not met: 30 min measured, at most 29 min 59 s wanted',
    ]);
  });

  it('an objective is not met by a time that is no number', () => {
    const set = GOOD.recoverySet!;
    const { verdict, causes } = judge({ ...GOOD, recoverySet: { ...set, moment: 'yesterday' } });
    assert.deepEqual([verdict, causes], ['FAILED', ['RPO not met: NaN s measured, at most 4 h wanted']]);
  });

  it('without a plan: FAILED, also when nobody says why', () => {
    assert.deepEqual(judge(goodWithout('plan', 'recoverySet', 'checkedAt')).causes, [
      'the drill read no recovery plan',
    ]);
  });

  it('warns of a state that is older than the plan promised, within the objective', () => {
    const plan = { ...PLAN, plan: PLAN.plan.map((line) => ({ ...line, worstCaseSeconds: 1000 })) };
    const report = judge({ ...GOOD, plan });
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.match(report.warnings[0] ?? '', /^is-db: the restored state is 1200 s old, more than the 1000 s/);
    assert.equal(report.warnings.length, 1);
  });

  it('a database without datasources was never queried', () => {
    const [database] = PLAN.databases;
    assert.ok(database);
    const plan = { ...PLAN, databases: [{ ...database, datasources: [] }] };
    const checks = CHECKS.filter(({ component }) => component !== 'is-db');
    assert.equal(judge({ ...GOOD, plan, checks }).verdict, 'FAILED');
  });
});
