import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plan } from '../../../lib/planning/plan';
import type { PlanInput } from '../../../lib/planning/plan-types';

const HOUR = 3600;
const DAY = 86_400;

const base = (more: Partial<PlanInput> = {}): PlanInput => ({
  objectives: {
    inRegion: { rpoSeconds: HOUR, rtoSeconds: 8 * HOUR },
    drSite: { rpoSeconds: 6 * HOUR, rtoSeconds: 8 * HOUR },
  },
  databases: [{ name: 'db', kind: 'rds-instance' }],
  volumes: [{ name: 'files' }],
  ...more,
});

/** The rules that say how long what is kept: name, schedule, days, days of the copy, days until it is cold. */
const kept = (input: PlanInput) => {
  const { databases, volumes } = plan(input);
  return [...databases, ...volumes].flatMap(({ rules }) =>
    rules.map(({ name, scheduleExpression, retentionDays, copyRetentionDays, coldAfterDays }) => [
      name,
      scheduleExpression,
      retentionDays,
      copyRetentionDays,
      coldAfterDays,
    ]),
  );
};

test('35 days of everything, unless something else is said', () => {
  assert.deepEqual(kept(base()), [
    ['snapshot', 'cron(0 * * * ? *)', 35, 35, undefined],
    ['snapshot', 'cron(0 0 * * ? *)', 35, undefined, undefined],
  ]);
  assert.equal(plan(base()).databases[0].continuous?.retentionDays, 35);
});

test('tiers start with a run of the base rule; one as frequent as the daily tier is that tier', () => {
  const retention = { allDays: 7, dailyDays: 35, weeklyDays: 90, monthlyDays: 365, yearlyDays: 2555 };
  assert.deepEqual(kept(base({ retention })), [
    ['snapshot', 'cron(0 * * * ? *)', 7, 7, undefined],
    ['daily', 'cron(0 0 * * ? *)', 35, 35, undefined],
    ['weekly', 'cron(0 0 ? * SUN *)', 90, 90, undefined],
    ['monthly', 'cron(0 0 1 * ? *)', 365, 365, undefined],
    ['yearly', 'cron(0 0 1 1 ? *)', 2555, 2555, undefined],
    ['daily', 'cron(0 0 * * ? *)', 35, undefined, undefined],
    ['weekly', 'cron(0 0 ? * SUN *)', 90, undefined, undefined],
    ['monthly', 'cron(0 0 1 * ? *)', 365, undefined, undefined],
    ['yearly', 'cron(0 0 1 1 ? *)', 2555, undefined, undefined],
  ]);
});

test('tiers start where no window makes them fail', () => {
  const database = {
    name: 'db',
    kind: 'multi-az-cluster',
    maintenanceWindow: 'sun:01:00-sun:02:00',
    backupWindow: '03:00-03:30',
  } as const;
  const objectives = {
    inRegion: { rpoSeconds: DAY, rtoSeconds: DAY },
    drSite: { rpoSeconds: DAY, rtoSeconds: DAY },
  };
  // Unsafe: Sunday 23:00 to 02:00, every day 01:00 to 03:30.
  assert.deepEqual(
    kept(base({ objectives, databases: [database], volumes: [], retention: { weeklyDays: 90 } })).map(
      ([name, schedule]) => [name, schedule],
    ),
    [
      ['snapshot', 'cron(30 3/12 * * ? *)'],
      ['weekly', 'cron(30 3 ? * SUN *)'],
    ],
  );
});

test('copies may be kept for another time; continuous backup keeps at most 35 days', () => {
  assert.deepEqual(kept(base({ retention: { allDays: 40, copyDays: 14 }, volumes: [] })), [
    ['snapshot', 'cron(0 * * * ? *)', 40, 14, undefined],
  ]);
  assert.equal(plan(base({ retention: { allDays: 90 } })).databases[0].continuous?.retentionDays, 35);
  assert.equal(plan(base({ retention: { allDays: 34 } })).databases[0].continuous?.retentionDays, 34);
});

describe('cold storage: of EFS, of the rules that keep a point 90 days longer', () => {
  const cold = (efsColdAfterDays: number, monthlyDays: number) =>
    kept(base({ retention: { efsColdAfterDays, monthlyDays } })).map(([name, , days, , after]) => [name, days, after]);

  test('119 days are enough for 29, not for 30', () => {
    assert.deepEqual(cold(29, 119), [
      ['snapshot', 35, undefined],
      ['monthly', 119, undefined],
      ['snapshot', 35, undefined],
      ['monthly', 119, 29],
    ]);
    assert.throws(
      () => cold(30, 119),
      /`retention\.efsColdAfterDays` must be at most 29, got 30: AWS Backup keeps what is in cold storage at least 90 days/,
    );
  });

  test('copies of EFS points too', () => {
    const input = (monthlyDays: number, copyDays: number) =>
      base({
        databases: [],
        volumes: [{ name: 'files', without: ['artifact-export'] }],
        objectives: {
          inRegion: { rpoSeconds: 2 * DAY, rtoSeconds: DAY },
          drSite: { rpoSeconds: 2 * DAY, rtoSeconds: DAY },
        },
        retention: { efsColdAfterDays: 10, allDays: 30, copyDays, monthlyDays },
      });
    assert.deepEqual(kept(input(100, 99)), [
      ['snapshot', 'cron(0 0 * * ? *)', 30, 99, undefined],
      ['monthly', 'cron(0 0 1 * ? *)', 100, 100, 10],
    ]);
    assert.deepEqual(
      kept({ ...input(100, 99), retention: { efsColdAfterDays: 10, allDays: 100, copyDays: 99 } }).map(
        (rule) => rule[4],
      ),
      [undefined],
    );
    assert.deepEqual(
      kept({ ...input(100, 99), retention: { efsColdAfterDays: 10, allDays: 100, copyDays: 100 } }).map(
        (rule) => rule[4],
      ),
      [10],
    );
  });
});

describe('what cannot be kept so', () => {
  for (const [retention, problem] of [
    [{ allDays: 2 }, undefined],
    [{ allDays: 36_500 }, undefined],
    [{ allDays: 36_501 }, /`retention\.allDays` must be a whole number from 1 to 36500, got 36501/],
    [{ allDays: 0 }, /`retention\.allDays`/],
    [{ allDays: 1.5 }, /`retention\.allDays`/],
    [{ monthlyDays: NaN }, /`retention\.monthlyDays`/],
    [{ dailyDays: 36 }, undefined],
    [{ dailyDays: 35 }, /`retention\.dailyDays` must be more than `retention\.allDays` \(35\), got 35/],
    [{ dailyDays: 60, monthlyDays: 60 }, /`retention\.monthlyDays` must be more than `retention\.dailyDays` \(60\)/],
    [{ monthlyDays: 300, yearlyDays: 299 }, /`retention\.yearlyDays`/],
    // Worst case of the EFS backup, a day apart: 26 h.
    [{ allDays: 1 }, /`retention` of files must be longer than the age that its newest point may reach, got 1 days/],
  ] as const) {
    test(JSON.stringify(retention), () => {
      if (problem === undefined) plan(base({ retention }));
      else assert.throws(() => plan(base({ retention })), problem);
    });
  }

  test('a day is enough where points are made often enough', () => {
    // Every 6 h two runs in a row may be lost: 18 h + 1 h + 1 h, at the DR site 3 h more. Every 8 h: 24 h + 5 h, too long.
    const input = base({
      volumes: [],
      retention: { allDays: 1 },
      objectives: {
        inRegion: { rpoSeconds: 9 * DAY, rtoSeconds: DAY },
        drSite: { rpoSeconds: 9 * DAY, rtoSeconds: DAY },
      },
    });
    assert.deepEqual(
      kept(input).map((rule) => rule[1]),
      ['cron(0 0/6 * * ? *)'],
    );
  });
});

describe('a drill interval is shorter than the shortest retention', () => {
  for (const [drillIntervalSeconds, retention, isFine] of [
    [35 * DAY - 1, {}, true],
    [35 * DAY, {}, false],
    [7 * DAY - 1, { copyDays: 7 }, true],
    [7 * DAY, { copyDays: 7 }, false],
    [7 * DAY, { copyDays: 8 }, true],
  ] as const) {
    test(`${drillIntervalSeconds} s, ${JSON.stringify(retention)}`, () => {
      const run = () => plan(base({ drillIntervalSeconds, retention }));
      if (isFine) run();
      else assert.throws(run, /the drill interval must be less than the shortest retention \(\d+ days\)/);
    });
  }
});

describe('vault locks', () => {
  for (const [lock, problem] of [
    [{ minDays: 35, maxDays: 35 }, undefined],
    [{ minDays: 36 }, /retention of db \(rule snapshot\) must be from 36 to 36500 days, the lock of the vault in the/],
    [{ maxDays: 34 }, /\(rule continuous\) must be from 1 to 34 days/],
    [{ minDays: 0 }, /`vaultLock` must be from at least 1 to at most 36500 whole days, got 0 to 36500/],
    [{ maxDays: 36_501 }, /`vaultLock` must be/],
    [{ minDays: 3, maxDays: 2 }, /got 3 to 2/],
  ] as const) {
    test(`in the Region: ${JSON.stringify(lock)}`, () => {
      const run = () => plan(base({ vaultLock: lock }));
      if (problem === undefined) run();
      else assert.throws(run, problem);
    });
  }

  test('at the DR site the retention of the copies counts', () => {
    const retention = { allDays: 35, copyDays: 14 };
    plan(base({ retention, drVaultLock: { minDays: 14, maxDays: 14 } }));
    assert.throws(
      () => plan(base({ retention, drVaultLock: { minDays: 15 } })),
      /retention of db \(rule snapshot\) must be from 15 to 36500 days, the lock of the vault at the DR site, got 14/,
    );
  });

  test('a minimum above 35 days leaves no continuous backup', () => {
    const retention = { allDays: 100 };
    const loose = { rpoSeconds: 2 * DAY, rtoSeconds: DAY };
    const objectives = { inRegion: { rpoSeconds: HOUR, rtoSeconds: DAY }, drSite: loose };
    assert.deepEqual(plan(base({ retention, objectives, volumes: [], vaultLock: { minDays: 35 } })).infeasible, []);
    // Hourly snapshots, six of which may be lost in a row: 7 h + 1 h + 1 h.
    assert.deepEqual(
      plan(base({ retention, objectives, volumes: [], vaultLock: { minDays: 36 } })).infeasible.map(
        ({ site, nearestFeasibleSeconds }) => [site, nearestFeasibleSeconds],
      ),
      [['in-region', 9 * HOUR]],
    );
  });
});
