import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plan, type PlanInput } from '../../../lib/planning/plan';
import type { DatabaseKind } from '../../../lib/planning/plan-document';

const HOUR = 3600;

const forDatabase = (kind: DatabaseKind, rpoSeconds: number, drRpoSeconds: number, more: Partial<PlanInput> = {}) =>
  plan({
    objectives: {
      inRegion: { rpoSeconds, rtoSeconds: HOUR },
      drSite: { rpoSeconds: drRpoSeconds, rtoSeconds: HOUR },
    },
    databases: [{ name: 'db', kind }],
    volumes: [],
    ...more,
  });
const forVolume = (rpoSeconds: number, drRpoSeconds: number) =>
  plan({
    objectives: {
      inRegion: { rpoSeconds, rtoSeconds: HOUR },
      drSite: { rpoSeconds: drRpoSeconds, rtoSeconds: HOUR },
    },
    databases: [],
    volumes: [{ name: 'repository' }],
  });

describe('interval of a database: both sides of each boundary', () => {
  // In-Region snapshot: interval + 1 h start window + 1 h job. DR site: + 2 h copy wait + 1 h copy.
  for (const [rpo, drRpo, technique, hours] of [
    [3 * HOUR - 1, 48 * HOUR, 'backup-continuous', 24],
    [3 * HOUR, 48 * HOUR, 'backup-snapshot', 1],
    [4 * HOUR - 1, 48 * HOUR, 'backup-snapshot', 1],
    [4 * HOUR, 48 * HOUR, 'backup-snapshot', 2],
    [26 * HOUR - 1, 48 * HOUR, 'backup-snapshot', 12],
    [26 * HOUR, 48 * HOUR, 'backup-snapshot', 24],
    [26 * HOUR, 29 * HOUR, 'backup-snapshot', 24],
    [26 * HOUR, 29 * HOUR - 1, 'backup-snapshot', 12],
    [HOUR, 6 * HOUR, 'backup-continuous', 1],
    [HOUR, 7 * HOUR - 1, 'backup-continuous', 1],
    [HOUR, 7 * HOUR, 'backup-continuous', 2],
  ] as const) {
    test(`RPO ${rpo} s, DR ${drRpo} s: ${technique}, snapshots every ${hours} h`, () => {
      const result = forDatabase('rds-instance', rpo, drRpo);
      assert.deepEqual(result.infeasible, []);
      assert.equal(result.lines[0].technique, technique);
      assert.equal(result.databases[0].rules[0].intervalHours, hours);
    });
  }
});

test('rules of continuous protection: snapshots with the copy stay beside it', () => {
  const { databases } = forDatabase('rds-instance', HOUR, 6 * HOUR, { retentionDays: 90 });
  assert.deepEqual(databases, [
    {
      name: 'db',
      rules: [
        {
          name: 'snapshot',
          intervalHours: 1,
          scheduleExpression: 'cron(0 * * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: false,
          copyToDr: true,
          retentionDays: 90,
        },
        {
          name: 'continuous',
          intervalHours: 24,
          scheduleExpression: 'cron(30 0 * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: true,
          copyToDr: false,
          retentionDays: 35,
        },
      ],
    },
  ]);
});

test('a plan line carries its terms and where they come from', () => {
  const result = forDatabase('rds-instance', 4 * HOUR, 12 * HOUR, { assumptions: { copyJobSeconds: 600 } });
  assert.deepEqual(result.lines[1], {
    component: 'db',
    site: 'dr-site',
    technique: 'backup-copy',
    worstCaseSeconds: 22200,
    terms: [
      { name: 'interval', seconds: 7200, source: 'chosen: the longest that meets the objectives' },
      { name: 'start window', seconds: 3600, source: 'AWS limit: at least 60 min' },
      { name: 'backup job', seconds: 3600, source: 'default: AWS publishes no duration, drills measure it' },
      { name: 'copy wait', seconds: 7200, source: 'AWS: a copy is retried for up to 2 h' },
      { name: 'copy job', seconds: 600, source: 'input: copyJobSeconds' },
    ],
    schedule: 'cron(0 0/2 * * ? *)',
    reason: 'Every snapshot is copied to the vault in the DR Region, which needs nothing of the primary Region.',
  });
});

describe('what cannot be met, with the nearest that can', () => {
  for (const [kind, rpo, drRpo, expected] of [
    ['rds-instance', 300, 6 * HOUR, []],
    ['rds-instance', 299, 6 * HOUR, [['in-region', 299, 300]]],
    ['aurora-cluster', 300, 6 * HOUR, []],
    ['rds-instance', HOUR, 6 * HOUR - 1, [['dr-site', 21599, 21600]]],
    ['multi-az-cluster', 3 * HOUR, 6 * HOUR, []],
    ['multi-az-cluster', 3 * HOUR - 1, 24 * HOUR, [['in-region', 10799, 10800]]],
    ['rds-instance', 60, 60, [['in-region', 60, 300], ['dr-site', 60, 21600]]], // prettier-ignore
  ] as const) {
    test(`${kind}, RPO ${rpo} s, DR ${drRpo} s`, () => {
      const found = forDatabase(kind, rpo, drRpo).infeasible;
      assert.deepEqual(
        found.map(({ site, objectiveSeconds, nearestFeasibleSeconds }) => [
          site,
          objectiveSeconds,
          nearestFeasibleSeconds,
        ]),
        expected,
      );
    });
  }

  test('the reason shows the arithmetic', () => {
    assert.equal(
      forDatabase('rds-instance', HOUR, HOUR).infeasible[0].reason,
      'interval 3600 s + start window 3600 s + backup job 3600 s + copy wait 7200 s + copy job 3600 s = 21600 s: ' +
        'a copy needs a finished backup first, and AWS Backup starts at most one an hour',
    );
  });
});

describe('export interval: both sides of each boundary', () => {
  // interval + 15 min export; at the DR site + 15 min replication.
  for (const [rpo, drRpo, minutes, infeasible] of [
    [1200, 2100, 5, []],
    [1199, 2100, 5, [['in-region', 1200]]],
    [1200, 2099, 5, [['dr-site', 2100]]],
    [1499, 86400, 5, []],
    [1500, 86400, 10, []],
    [HOUR, 6 * HOUR, 30, []],
    [4500, 6 * HOUR, 60, []],
    [8100, 6 * HOUR, 120, []],
    [87300, 87300, 720, []],
    [87300, 88200, 1440, []],
  ] as const) {
    test(`RPO ${rpo} s, DR ${drRpo} s: every ${minutes} min`, () => {
      const result = forVolume(rpo, drRpo);
      assert.equal(result.volumes[0].export.intervalMinutes, minutes);
      assert.deepEqual(
        result.infeasible.map(({ site, nearestFeasibleSeconds }) => [site, nearestFeasibleSeconds]),
        infeasible,
      );
    });
  }
});

test('a volume always has a daily AWS Backup in the Region beside the export', () => {
  assert.deepEqual(forVolume(HOUR, 6 * HOUR).volumes, [
    {
      name: 'repository',
      rules: [
        {
          name: 'efs',
          intervalHours: 24,
          scheduleExpression: 'cron(0 0 * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: false,
          copyToDr: false,
          retentionDays: 35,
        },
      ],
      export: { intervalMinutes: 30, scheduleExpression: 'cron(0/30 * * * ? *)' },
    },
  ]);
});

test('a long job gets a longer completion window', () => {
  const window = (backupJobSeconds: number) =>
    forDatabase('rds-instance', 26 * HOUR, 48 * HOUR, { assumptions: { backupJobSeconds } }).databases[0].rules[0]
      .completionWindowMinutes;
  assert.equal(window(60), 120);
  assert.equal(window(3600), 120);
  assert.equal(window(3601), 121);
});

test('retention and assumptions out of range', () => {
  const retention = (retentionDays: number) => forDatabase('rds-instance', 86400, 172800, { retentionDays });
  retention(1);
  retention(36500);
  for (const days of [0, 36501, 1.5, NaN])
    assert.throws(() => retention(days), /`retentionDays` must be a whole number/);
  for (const exportSeconds of [0, -1, NaN, Infinity]) {
    assert.throws(
      () => forDatabase('rds-instance', 86400, 172800, { assumptions: { exportSeconds } }),
      /`assumptions\.exportSeconds` must be more than 0 seconds/,
    );
  }
});
