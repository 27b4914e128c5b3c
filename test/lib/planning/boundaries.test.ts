// Each number on both sides of where it decides.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Candidate, choose, promiseAt } from '../../../lib/planning/choose';
import { plan } from '../../../lib/planning/plan';
import type { PlanLine } from '../../../lib/planning/plan-document';
import type { DatabaseInput, PlanInput, VolumeInput } from '../../../lib/planning/plan-types';
import { stagger, windowProblems } from '../../../lib/planning/rds-windows';
import { tiersUsd } from '../../../lib/planning/retention';

const MINUTE = 60;
const HOUR = 3600;

const at = (rpo: number, drRpo: number) => ({
  inRegion: { rpoSeconds: rpo, rtoSeconds: 86_400 },
  drSite: { rpoSeconds: drRpo, rtoSeconds: 86_400 },
});
const ofDatabase = (database: Partial<DatabaseInput>, rpo: number, drRpo: number, more: Partial<PlanInput> = {}) =>
  plan({
    objectives: at(rpo, drRpo),
    databases: [{ name: 'db', kind: 'aurora-cluster', ...database }],
    volumes: [],
    ...more,
  });
const ofVolume = (volume: Partial<VolumeInput>, rpo: number, drRpo: number, more: Partial<PlanInput> = {}) =>
  plan({ objectives: at(rpo, drRpo), databases: [], volumes: [{ name: 'v', ...volume }], ...more });

describe('choose', () => {
  const line = (site: PlanLine['site'], worstCaseSeconds: number, usdPerMonth = 1): PlanLine => ({
    component: 'c',
    site,
    technique: 'backup-snapshot',
    purpose: 'history',
    worstCaseSeconds,
    terms: [],
    reason: '',
    usdPerMonth,
  });
  const candidate = (name: string, inRegion: number, drSite?: number, usd?: number): Candidate<string> => ({
    lines: [line('in-region', inRegion, usd), ...(drSite === undefined ? [] : [line('dr-site', drSite)])],
    protection: name,
  });
  const chosen = (...candidates: Candidate<string>[]) => choose(candidates, at(10, 10)).protection;

  test('one site that is missed by much is better than two that are missed by little', () =>
    assert.equal(chosen(candidate('two', 11, 11), candidate('one', 10, 100)), 'one'));
  test('of as many misses, the least', () =>
    assert.equal(chosen(candidate('more', 12, 10, 0), candidate('less', 11, 10)), 'less'));
  test('what reaches no other Region still counts by how much it misses in its own', () =>
    assert.equal(chosen(candidate('more', 12, undefined, 0), candidate('less', 11)), 'less'));
  test('equal: the first', () => {
    assert.equal(chosen(candidate('first', 10, 10), candidate('second', 10, 10)), 'first');
    const lines = [line('in-region', 5, 1), line('in-region', 5, 2)];
    assert.equal(promiseAt('in-region', lines), lines[0]);
  });
});

describe('intervals', () => {
  const interval = (result: ReturnType<typeof plan>, technique: string) =>
    result.lines.find((line) => line.technique === technique)?.schedule;

  for (const [drRpo, schedule] of [
    [6 * HOUR, 'cron(0 * * * ? *)'],
    [7 * HOUR, 'cron(0 0/2 * * ? *)'],
    [8 * HOUR, 'cron(0 0/3 * * ? *)'],
    [9 * HOUR, 'cron(0 0/4 * * ? *)'],
    [11 * HOUR, 'cron(0 0/6 * * ? *)'],
    [13 * HOUR, 'cron(0 0/8 * * ? *)'],
    [17 * HOUR, 'cron(0 0/12 * * ? *)'],
    [29 * HOUR, 'cron(0 0 * * ? *)'],
  ] as const) {
    test(`copies within ${drRpo / HOUR} h: ${schedule}`, () =>
      assert.equal(interval(ofDatabase({}, HOUR, drRpo), 'backup-copy'), schedule));
  }

  for (const [minutes, schedule] of [
    [5, 'cron(0/5 * * * ? *)'],
    [10, 'cron(0/10 * * * ? *)'],
    [15, 'cron(0/15 * * * ? *)'],
    [20, 'cron(0/20 * * * ? *)'],
    [30, 'cron(0/30 * * * ? *)'],
    [60, 'cron(0 * * * ? *)'],
    [120, 'cron(0 0/2 * * ? *)'],
    [180, 'cron(0 0/3 * * ? *)'],
    [240, 'cron(0 0/4 * * ? *)'],
    [360, 'cron(0 0/6 * * ? *)'],
    [480, 'cron(0 0/8 * * ? *)'],
    [720, 'cron(0 0/12 * * ? *)'],
    [1440, 'cron(0 0 * * ? *)'],
  ] as const) {
    test(`exports every ${minutes} min where that and 15 min are allowed`, () => {
      const rpo = (minutes + 15) * MINUTE;
      assert.equal(interval(ofVolume({}, rpo, 3 * 86_400), 'artifact-export'), schedule);
    });
  }

  test('none is shorter than a copy job', () =>
    assert.deepEqual(
      ofDatabase({}, HOUR, 7 * HOUR, { assumptions: { copyJobSeconds: 2 * HOUR } }).infeasible.map(
        ({ nearestFeasibleSeconds }) => nearestFeasibleSeconds,
      ),
      [8 * HOUR],
    ));
});

describe('a point may not expire before the next one is usable', () => {
  const interval = ({ databases, volumes }: ReturnType<typeof plan>) =>
    [...databases, ...volumes][0].rules[0].intervalHours;

  test('as old as it is kept is not too old', () => {
    // 12 h + 1 h + 11 h is a day; a second more is not.
    const within = (backupJobSeconds: number) =>
      ofDatabase({ without: ['backup-continuous'] }, 86_400, 3 * 86_400, {
        assumptions: { backupJobSeconds },
        retention: { allDays: 1, copyDays: 3 },
      });
    assert.equal(interval(within(11 * HOUR)), 12);
    assert.throws(() => within(11 * HOUR + 1), /`retention` of db must be longer/);
  });

  test('copies that are kept a day are made every 12 h, whatever the others are kept', () => {
    const retention = { allDays: 2, copyDays: 1 };
    assert.equal(interval(ofDatabase({}, 3 * 86_400, 3 * 86_400, { retention })), 12);
    const without = ['artifact-export', 'efs-replication'] as const;
    assert.equal(interval(ofVolume({ without }, 3 * 86_400, 3 * 86_400, { retention })), 12);
  });
});

test('a remedy that reaches the objective to the second is named, a second less is not', () => {
  const remedies = (rpo: number) => ofVolume({}, rpo, 3 * 86_400).infeasible.flatMap((missed) => missed.remedies);
  assert.deepEqual(remedies(390), ['exports that are known to take at most 1m 30s (assumption exportSeconds): 6m 30s']);
  assert.deepEqual(remedies(389), []);
});

test('a vault lock that leaves no continuous backup is what would have to change', () => {
  const remedies = (minDays: number) =>
    ofDatabase({}, HOUR, 6 * HOUR, { vaultLock: { minDays }, retention: { allDays: 40 } }).infeasible.flatMap(
      (missed) => missed.remedies,
    );
  assert.throws(() => remedies(35 + 6), /retention of db/);
  assert.deepEqual(remedies(36), ['a vault lock whose minimum is at most 35 days, which allows continuous backup: 5m']);
});

describe('windows', () => {
  // Unsafe from two hours before a window to its end.
  const maintenanceWindow = 'sun:02:00-sun:02:30';
  test('a run at the end of a window is safe, one at the beginning of what is unsafe is not', () => {
    assert.deepEqual(stagger(720, { maintenanceWindow, backupWindow: '02:30-12:00' }), {
      offsetMinutes: 0,
      gapMinutes: 720 * 2,
      safeMinutes: 720,
    });
  });
  test('schedules start at five minutes too', () =>
    assert.equal(stagger(1440, { maintenanceWindow, backupWindow: '02:30-23:55' }).offsetMinutes, 1435));
  test('there is no 24:00', () =>
    assert.match(windowProblems('db', { backupWindow: '24:00-24:30' })[0], /must be hh:mm-hh:mm/));
  test('tiers start with a run that is safe on every day, not with the first of a day', () => {
    const { databases } = ofDatabase(
      { kind: 'multi-az-cluster', maintenanceWindow: 'sun:13:00-sun:13:30', backupWindow: '02:00-13:00' },
      18 * HOUR,
      21 * HOUR,
      { retention: { weeklyDays: 90 } },
    );
    assert.deepEqual(
      databases[0].rules.map(({ scheduleExpression }) => scheduleExpression),
      // At 05:30 it is unsafe each day.
      ['cron(30 5/8 * * ? *)', 'cron(30 13 ? * SUN *)'],
    );
  });
});

describe('what is stored', () => {
  test('a tier copies no less long than what it stands for', () => {
    const [, tier] = ofDatabase({}, HOUR, 6 * HOUR, { retention: { allDays: 7, copyDays: 100, dailyDays: 30 } })
      .databases[0].rules;
    assert.deepEqual([tier.name, tier.retentionDays, tier.copyRetentionDays], ['daily', 30, 100]);
  });

  test('copies of Aurora are whole each time', () => {
    const copy = ofDatabase({}, HOUR, 6 * HOUR).lines.find(({ technique }) => technique === 'backup-copy');
    // 20 GiB, 24 a day: 35 days at 0.021 USD, and 30 days of sending at 0.02.
    assert.equal(copy?.usdPerMonth, 640.8);
  });

  test('a point holds at most all there is', () =>
    // Two yearly points of 20 GiB.
    assert.equal(tiersUsd(0.095, 20, { allDays: 35, copyDays: 35, yearlyDays: 730 }).toFixed(2), '3.80'));
});

test('only Aurora has Global Databases', () => {
  for (const kind of ['rds-instance', 'multi-az-cluster'] as const) {
    assert.throws(
      () => ofDatabase({ kind, globalDatabase: true }, HOUR, 6 * HOUR),
      /`globalDatabase` of db must be left out, got true for/,
    );
  }
});
