import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plan, type PlanInput, type PlanResult } from '../../../lib/planning/plan';

const DAY = 86_400;

const inputs = fc
  .record({
    rpo: fc.integer({ min: 60, max: 2 * DAY }),
    extra: fc.integer({ min: 0, max: 2 * DAY }),
    kind: fc.constantFrom('rds-instance' as const, 'aurora-cluster' as const, 'multi-az-cluster' as const),
    backupJobSeconds: fc.integer({ min: 1, max: 4 * 3600 }),
    copyJobSeconds: fc.integer({ min: 1, max: 4 * 3600 }),
    exportSeconds: fc.integer({ min: 1, max: 900 }),
  })
  .map(({ rpo, extra, kind, ...assumptions }) =>
    inputOf(rpo, rpo + extra, { databases: [{ name: 'db', kind }], assumptions }),
  );

function inputOf(rpo: number, drRpo: number, rest: Pick<PlanInput, 'databases' | 'assumptions'>): PlanInput {
  return {
    objectives: { inRegion: { rpoSeconds: rpo, rtoSeconds: 1 }, drSite: { rpoSeconds: drRpo, rtoSeconds: 1 } },
    volumes: [{ name: 'v' }],
    ...rest,
  };
}

test('a promise is the sum of its terms, and is kept or reported', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { lines, infeasible } = plan(input);
      for (const line of lines) {
        let sum = 0;
        for (const { seconds } of line.terms) sum += seconds;
        assert.equal(line.worstCaseSeconds, sum);
        const { rpoSeconds } = line.site === 'in-region' ? input.objectives.inRegion : input.objectives.drSite;
        const reported = infeasible.some(({ component, site }) => component === line.component && site === line.site);
        assert.equal(reported, line.worstCaseSeconds > rpoSeconds);
      }
      assert.equal(lines.length, 4);
    }),
  );
});

test('the nearest feasible objectives are feasible, and a second less is not', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      for (const { component, site, nearestFeasibleSeconds } of plan(input).infeasible) {
        const failsWith = (rpo: number) => {
          const { inRegion, drSite } = input.objectives;
          const objectives =
            site === 'in-region'
              ? { inRegion: { ...inRegion, rpoSeconds: rpo }, drSite }
              : { inRegion, drSite: { ...drSite, rpoSeconds: rpo } };
          return plan({ ...input, objectives }).infeasible.some((i) => i.component === component && i.site === site);
        };
        assert.equal(failsWith(nearestFeasibleSeconds), false);
        assert.equal(failsWith(nearestFeasibleSeconds - 1), true);
      }
    }),
  );
});

test('relaxing an objective never makes a plan infeasible, nor more frequent', () => {
  const frequency = ({ databases, volumes }: PlanResult) => [
    databases[0].rules[0].intervalHours,
    volumes[0].export.intervalMinutes,
  ];
  fc.assert(
    fc.property(inputs, fc.nat(DAY), fc.nat(DAY), (input, more, moreAtDr) => {
      const { inRegion, drSite } = input.objectives;
      const before = plan(input);
      const after = plan(inputOf(inRegion.rpoSeconds + more, drSite.rpoSeconds + moreAtDr, input));
      assert.ok(after.infeasible.length <= before.infeasible.length);
      // Continuous backup gone is cheaper too, though the snapshots then have to carry the RPO alone.
      if (before.databases[0].rules.length === after.databases[0].rules.length) {
        assert.ok(frequency(after)[0] >= frequency(before)[0]);
      }
      assert.ok(frequency(after)[1] >= frequency(before)[1]);
    }),
  );
});

test('over ten days with every legal delay, no usable point is older than promised', () => {
  fc.assert(
    fc.property(inputs, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (input, delays) => {
      for (const line of plan(input).lines) {
        if (line.schedule === undefined) continue;
        const starts = startsOf(line.schedule, 10);
        // The first term is the interval that the schedule makes; each other one is a delay up to its length.
        const points = starts.map((start) => ({
          moment: start,
          usable: line.terms.slice(1).reduce((at, { seconds }) => at + seconds * delays.next().value, start),
        }));
        assert.ok(oldestAge(points) <= line.worstCaseSeconds + 1e-6, `${line.technique} ${line.schedule}`);
      }
    }),
    { numRuns: 50 },
  );
});

/** Ages are greatest just before a point becomes usable; what becomes usable later may be older than what already is. */
function oldestAge(points: readonly { moment: number; usable: number }[]): number {
  let newest: number | undefined;
  let oldest = 0;
  for (const { moment, usable } of [...points].sort((a, b) => a.usable - b.usable)) {
    if (newest !== undefined) oldest = Math.max(oldest, usable - newest);
    newest = Math.max(newest ?? moment, moment);
  }
  return oldest;
}

/** Reads the few forms of cron that the planner writes, without its code. */
function startsOf(schedule: string, days: number): number[] {
  const [, minute, hour] = /^cron\((\S+) (\S+) \* \* \? \*\)$/.exec(schedule) ?? assert.fail(schedule);
  const matches = (field: string, value: number) => {
    if (field === '*') return true;
    const [from, step] = field.split('/').map(Number);
    return step === undefined ? value === from : value >= from && (value - from) % step === 0;
  };
  const starts: number[] = [];
  for (let at = 0; at < days * 1440; at++) {
    if (matches(minute, at % 60) && matches(hour, Math.floor(at / 60) % 24)) starts.push(at * 60);
  }
  return starts;
}
