import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../lib/planning/plan';
import type { PlanInput } from '../../../lib/planning/plan-types';

const HOUR = 3600;

const input = (more: Partial<PlanInput> = {}): PlanInput => ({
  objectives: {
    inRegion: { rpoSeconds: HOUR, rtoSeconds: 4 * HOUR },
    drSite: { rpoSeconds: 6 * HOUR, rtoSeconds: 4 * HOUR },
  },
  databases: [{ name: 'db', kind: 'rds-instance', sizeGib: 100 }],
  volumes: [{ name: 'files', sizeGib: 1, files: 100_000 }],
  ...more,
});

const times = (given: PlanInput) =>
  plan(given).recoveryTimes.map(({ component, site, basis, seconds }) => [component, site, basis, seconds]);

test('estimates: from sizes and cautious rates; the slowest and the checks count', () => {
  // 1800 s + 100 GiB at 10 s; 100,000 files at 250 a second, more than 1024 MiB at 50 a second.
  assert.deepEqual(times(input()), [
    ['db', 'in-region', 'estimate', 2800],
    ['files', 'in-region', 'estimate', 400],
    ['all together', 'in-region', 'estimate', 3100],
    ['db', 'dr-site', 'estimate', 2800],
    ['files', 'dr-site', 'estimate', 400],
    ['all together', 'dr-site', 'estimate', 3100],
  ]);
});

test('bytes count where they take longer than files', () => {
  assert.equal(times(input({ volumes: [{ name: 'files', sizeGib: 100, files: 10 }] }))[1][3], 2048);
});

test('a Global Database fails over', () => {
  const databases = [{ name: 'db', kind: 'aurora-cluster', globalDatabase: true }] as const;
  assert.deepEqual(
    times(input({ databases })).filter(([component]) => component === 'db'),
    [
      ['db', 'in-region', 'estimate', 2000],
      ['db', 'dr-site', 'estimate', 900],
    ],
  );
});

test('what a drill measured replaces the estimate of the DR site, with its source', () => {
  const measured = [
    { component: 'db', rtoSeconds: 700.5, drill: 'drill-7' },
    { component: 'all together', rtoSeconds: 900, drill: 'drill-7' },
  ];
  const { recoveryTimes, warnings } = plan(input({ measured }));
  assert.deepEqual(
    recoveryTimes.map(({ component, site, basis, seconds }) => [component, site, basis, seconds]),
    [
      ['db', 'in-region', 'estimate', 2800],
      ['files', 'in-region', 'estimate', 400],
      ['all together', 'in-region', 'estimate', 3100],
      ['db', 'dr-site', 'measured', 700.5],
      ['files', 'dr-site', 'estimate', 400],
      ['all together', 'dr-site', 'measured', 900],
    ],
  );
  assert.deepEqual(recoveryTimes[3].terms, [
    { name: 'recovery', seconds: 700.5, source: 'last measured drill: drill-7' },
  ]);
  assert.deepEqual(warnings, []);
});

test('a drill of something else is warned about', () => {
  assert.deepEqual(plan(input({ measured: [{ component: 'other', rtoSeconds: 1, drill: 'drill-7' }] })).warnings, [
    'drill drill-7 measured other, which this plan has not: its time is not used; name the component so',
  ]);
});

test('an estimate beyond the RTO warns, to the second; a measured time is a proof', () => {
  const objectives = (rtoSeconds: number) => ({
    inRegion: { rpoSeconds: HOUR, rtoSeconds: 4 * HOUR },
    drSite: { rpoSeconds: 6 * HOUR, rtoSeconds },
  });
  assert.deepEqual(plan(input({ objectives: objectives(3100) })).warnings, []);
  const estimated = plan(input({ objectives: objectives(3099) }));
  assert.deepEqual(estimated.warnings, [
    'a recovery at the DR site is estimated to take 51m 40s, the RTO is 51m 39s: run a drill to know, or relax the RTO',
  ]);
  assert.deepEqual(estimated.infeasible, []);

  const measured = [{ component: 'all together', rtoSeconds: 3100, drill: 'drill-7' }];
  assert.deepEqual(plan(input({ objectives: objectives(3100), measured })).infeasible, []);
  assert.deepEqual(plan(input({ objectives: objectives(3099), measured })).infeasible, [
    {
      component: 'all together',
      site: 'dr-site',
      objective: 'rto',
      objectiveSeconds: 3099,
      nearestFeasibleSeconds: 3100,
      reason: 'last measured drill: drill-7: 51m 40s',
      remedies: [],
    },
  ]);
});
