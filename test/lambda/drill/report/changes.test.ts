import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { changesSince, type ThisDrill } from '../../../../lambda/drill/report/changes';
import { parseReport } from '../../../../lambda/drill/report/history';
import { rowLosses } from '../../../../lambda/drill/report/row-loss';
import { FAILED_REPORT, PASSED_REPORT } from './sample-report';

const LAST = parseReport(JSON.stringify(PASSED_REPORT))!.last();
const changes = (now: Partial<ThisDrill>) => changesSince(LAST, { ...PASSED_REPORT, ...now });

describe('changesSince', () => {
  it('of the same drill: nothing', () => assert.deepEqual(changes({}), []));

  const [database, volume] = PASSED_REPORT.components;
  const rows: readonly [string, Partial<ThisDrill>, readonly string[]][] = [
    ['the verdict', { verdict: 'FAILED' }, ['the verdict was PASSED, and is FAILED']],
    [
      'a technique',
      { components: [{ ...database!, technique: 'rds-automated-backup-replication' }, volume!] },
      ['is-database was restored from backup-copy, and is from rds-automated-backup-replication'],
    ],
    [
      'a component in place of another',
      { components: [database!, { ...volume!, component: 'tenants' }] },
      ['tenants is new in the plan', 'repository is no longer in the plan'],
    ],
    ['a time by less than a tenth', { measuredRtoSeconds: 2419 }, []],
    ['a time by a tenth', { measuredRtoSeconds: 2420 }, ['recovery time (RTO) was 36 min 40 s, and is 40 min 20 s']],
    ['a time downwards', { measuredRpoSeconds: 60 }, ['loss (RPO) was 1 h 25 min, and is 1 min']],
    [
      'the status of a check',
      {
        checks: PASSED_REPORT.checks.map((each, index) =>
          index === 2 ? { ...each, status: 'FAILED' as const } : each,
        ),
      },
      ['tenants-agree of is-database + repository was PASSED, and is FAILED'],
    ],
    [
      'a check that is no more',
      { checks: PASSED_REPORT.checks.slice(1) },
      ['datasource-connects of is-database, identity_db was not checked this time'],
    ],
    ['no check at all, which the causes explain', { checks: [] }, []],
    [
      'what was compared',
      {
        checks: PASSED_REPORT.checks.map((each) =>
          each.check === 'tables-present' ? { ...each, compared: { ...each.compared, 'rows UM_USER': 12_000 } } : each,
        ),
      },
      ['tables-present of is-database: rows UM_USER was 12450, and is 12000 (−450)'],
    ],
  ];
  for (const [what, now, expected] of rows) it(what, () => assert.deepEqual(changes(now), expected));

  it('counts what would be too much to read', () => {
    const [check] = PASSED_REPORT.checks;
    const many = Array.from({ length: 50 }, (_, index) => ({ ...check!, component: `database-${index}` }));
    const found = changesSince(LAST, { ...PASSED_REPORT, checks: [...PASSED_REPORT.checks, ...many] });
    assert.equal(found.length, 41);
    assert.equal(found.at(-1), 'and 10 more: compare the two report.json');
  });
});

describe('parseReport', () => {
  it('takes what a checkpoint can hold', () => {
    const [check] = PASSED_REPORT.checks;
    const checks = Array.from({ length: 600 }, (_, index) => ({
      ...check!,
      component: `database-${index}`,
      compared: { text: 'x'.repeat(1000) },
    }));
    const report = parseReport(JSON.stringify({ ...PASSED_REPORT, checks }))!;
    assert.equal(report.last().checks.length, 500);
    assert.ok(JSON.stringify(report.last()).length < 100_000);
  });

  for (const [what, text] of [
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['a later format', JSON.stringify({ ...FAILED_REPORT, formatVersion: 2 })],
    ['an unknown verdict', JSON.stringify({ ...FAILED_REPORT, verdict: 'MAYBE' })],
    ['no time', JSON.stringify({ ...FAILED_REPORT, startedAt: 'soon' })],
  ] as const) {
    it(`leaves out ${what}`, () => assert.equal(parseReport(text), undefined));
  }
});

describe('rowLosses', () => {
  const tables = (counts: Record<string, number>) => [
    {
      check: 'tables-present',
      component: 'db',
      status: 'PASSED' as const,
      reason: '',
      durationMs: 1,
      compared: { datasource: 'shared_db', ...counts },
    },
  ];
  const losses = (was: number, is: number, table = 'UM_USER') =>
    rowLosses(
      { startedAt: '2026-11-17T04:25:00.000Z', checks: tables({ [`rows ${table}`]: was }) },
      tables({ [`rows ${table}`]: is }),
    );

  for (const [was, is, warns] of [
    [1000, 1000, false],
    [1000, 1001, false],
    [1000, 900, false],
    [1000, 899, true],
    [20, 10, false],
    [20, 9, true],
    [5, 1, false],
    [5, 0, true],
    [0, 0, false],
  ] as const) {
    it(`${was} users, then ${is}: ${warns ? 'a warning' : 'nothing'}`, () =>
      assert.equal(losses(was, is).length, warns ? 1 : 0));
  }

  it('says what to do, and leaves alone what comes and goes by itself', () => {
    assert.deepEqual(losses(1000, 0), [
      'db: UM_USER of shared_db holds 0 rows, 1000 less than in the drill of 2026-11-17: find out whether somebody ' +
        'deleted them; if nobody did, restore an older point',
    ]);
    assert.deepEqual(losses(1000, 0, 'IDN_AUTH_SESSION_STORE'), []);
  });
});
