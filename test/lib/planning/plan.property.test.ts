import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plan } from '../../../lib/planning/plan';
import type { PlanInput, PlanResult } from '../../../lib/planning/plan-types';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const WEEK = 7 * DAY;

const clock = (minutes: number) =>
  `${String(Math.floor(minutes / 60) % 24).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Windows that RDS takes: 30 minutes to 3 hours, the maintenance behind the backup of its day. */
const windows = fc
  .record({
    day: fc.integer({ min: 0, max: 6 }),
    backupFrom: fc.integer({ min: 0, max: 1439 }),
    backupMinutes: fc.integer({ min: 30, max: 180 }),
    apart: fc.integer({ min: 0, max: 600 }),
    maintenanceMinutes: fc.integer({ min: 30, max: 180 }),
  })
  .map(({ day, backupFrom, backupMinutes, apart, maintenanceMinutes }) => {
    const from = day * 1440 + backupFrom + backupMinutes + apart;
    const at = (minutes: number) => `${DAYS[Math.floor(minutes / 1440) % 7]}:${clock(minutes % 1440)}`;
    return {
      backupWindow: `${clock(backupFrom)}-${clock((backupFrom + backupMinutes) % 1440)}`,
      maintenanceWindow: `${at(from)}-${at(from + maintenanceMinutes)}`,
    };
  });

const inputs = fc
  .record({
    rpo: fc.integer({ min: 60, max: 3 * DAY }),
    extra: fc.integer({ min: 0, max: 3 * DAY }),
    kind: fc.constantFrom('rds-instance' as const, 'aurora-cluster' as const, 'multi-az-cluster' as const),
    isGlobal: fc.boolean(),
    windows: fc.option(windows, { nil: undefined }),
    allDays: fc.integer({ min: 7, max: 400 }),
    withoutDatabase: fc.subarray(['backup-continuous', 'rds-automated-backup-replication'] as const),
    withoutVolume: fc.subarray(['artifact-export', 'efs-replication'] as const),
    backupJobSeconds: fc.integer({ min: 1, max: 4 * HOUR }),
    copyJobSeconds: fc.integer({ min: 1, max: 4 * HOUR }),
    exportSeconds: fc.integer({ min: 1, max: 900 }),
  })
  .map(
    ({ rpo, extra, kind, isGlobal, windows: known, allDays, withoutDatabase, withoutVolume, ...assumptions }) =>
      ({
        objectives: {
          inRegion: { rpoSeconds: rpo, rtoSeconds: DAY },
          drSite: { rpoSeconds: rpo + extra, rtoSeconds: DAY },
        },
        databases: [
          {
            name: 'db',
            kind,
            without: withoutDatabase,
            globalDatabase: isGlobal && kind === 'aurora-cluster',
            ...known,
          },
        ],
        volumes: [{ name: 'v', without: withoutVolume }],
        retention: { allDays },
        assumptions,
      }) satisfies PlanInput,
  );

/** AWS copies no snapshot of a Multi-AZ DB cluster. */
const staysInRegion = ({ databases }: PlanInput) => databases[0].kind === 'multi-az-cluster';

const withRpo = (input: PlanInput, inRegion: number, drSite: number): PlanInput => ({
  ...input,
  objectives: {
    inRegion: { ...input.objectives.inRegion, rpoSeconds: inRegion },
    drSite: { ...input.objectives.drSite, rpoSeconds: drSite },
  },
});

test('a promise is the sum of its terms, carried by one technique a site, and is kept or reported', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { lines, infeasible } = plan(input);
      for (const line of lines) {
        let sum = 0;
        for (const { seconds } of line.terms) sum += seconds;
        assert.equal(line.worstCaseSeconds, sum);
      }
      for (const component of ['db', 'v']) {
        for (const site of ['in-region', 'dr-site'] as const) {
          const own = lines.filter((line) => line.component === component && line.site === site);
          const [promise, ...second] = own.filter(({ purpose }) => purpose === 'promise');
          assert.deepEqual(second, []);
          if (component === 'db' && site === 'dr-site' && staysInRegion(input)) {
            assert.deepEqual(own, []);
            assert.ok(infeasible.some((missed) => missed.component === component && missed.site === site));
            continue;
          }
          for (const line of own) assert.ok(line.worstCaseSeconds >= promise.worstCaseSeconds);
          const { rpoSeconds } = site === 'in-region' ? input.objectives.inRegion : input.objectives.drSite;
          assert.equal(
            infeasible.some((missed) => missed.component === component && missed.site === site),
            promise.worstCaseSeconds > rpoSeconds,
          );
        }
      }
    }),
  );
});

test('what undoes a deletion is always there: a backup in the Region, and one at the DR site', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { lines } = plan(input);
      const has = (component: string, ...techniques: string[]) =>
        lines.some((line) => line.component === component && techniques.includes(line.technique));
      assert.ok(has('db', 'backup-snapshot'));
      assert.equal(has('db', 'backup-copy'), !staysInRegion(input));
      assert.ok(has('v', 'backup-snapshot') && has('v', 'backup-copy', 'artifact-export-replicated'));
    }),
  );
});

test('the nearest feasible objectives are feasible, and a second less is not', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const { inRegion, drSite } = input.objectives;
      for (const { component, site, nearestFeasibleSeconds } of plan(input).infeasible) {
        assert.equal(nearestFeasibleSeconds === null, component === 'db' && site === 'dr-site' && staysInRegion(input));
        if (nearestFeasibleSeconds === null) continue;
        const failsWith = (rpo: number) =>
          plan(
            site === 'in-region' ? withRpo(input, rpo, drSite.rpoSeconds) : withRpo(input, inRegion.rpoSeconds, rpo),
          ).infeasible.some((missed) => missed.component === component && missed.site === site);
        assert.equal(failsWith(nearestFeasibleSeconds), false);
        assert.equal(failsWith(nearestFeasibleSeconds - 1), true);
      }
    }),
  );
});

test('all nearest objectives together are feasible', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const nearest = (site: string, rpo: number) =>
        Math.max(
          rpo,
          ...plan(input)
            .infeasible.filter((missed) => missed.site === site)
            .map(({ nearestFeasibleSeconds }) => nearestFeasibleSeconds ?? 0),
        );
      const { inRegion, drSite } = input.objectives;
      const relaxed = withRpo(input, nearest('in-region', inRegion.rpoSeconds), nearest('dr-site', drSite.rpoSeconds));
      const missed = plan(relaxed).infeasible.filter(({ nearestFeasibleSeconds }) => nearestFeasibleSeconds !== null);
      assert.deepEqual(missed, []);
    }),
  );
});

test('relaxing an objective never makes a feasible plan infeasible, nor dearer', () => {
  fc.assert(
    fc.property(inputs, fc.nat(2 * DAY), fc.nat(2 * DAY), (input, more, moreAtDr) => {
      const { inRegion, drSite } = input.objectives;
      const before = plan(input);
      const after = plan(withRpo(input, inRegion.rpoSeconds + more, drSite.rpoSeconds + moreAtDr));
      assert.ok(after.infeasible.length <= before.infeasible.length);
      if (before.infeasible.length === 0) assert.ok(after.usdPerMonth <= before.usdPerMonth);
    }),
  );
});

/**
 * A year of backups by the rules of AWS, with everything as late as it may be, and sometimes not: jobs start within their
 * start window, one at a time; RDS makes them fail near its windows unless AWS Backup manages the continuous backup.
 */
test('over a year of legal delays, no usable point is older than promised', () => {
  // Windows that the planner was not told: as short as RDS has them, anywhere.
  const untold = windows.map(({ backupWindow, maintenanceWindow }) => ({
    backupWindow: shortened(backupWindow),
    maintenanceWindow: shortened(maintenanceWindow),
  }));
  fc.assert(
    fc.property(inputs, untold, fc.nat(), (input, hidden, seed) => {
      const planned = plan(input);
      const delay = delaysOf(seed);
      for (const line of planned.lines) {
        if (line.schedule === undefined) continue;
        const seconds = (name: string) => line.terms.find((term) => term.name === name)?.seconds ?? 0;
        const upTo = (name: string) => seconds(name) * delay();
        const blocked =
          line.component === 'db' && blocksJobs(input, planned)
            ? blockedSeconds({ ...hidden, ...input.databases[0] })
            : [];
        const points: Point[] = [];
        let free = 0;
        for (const start of startsOf(line.schedule, 365)) {
          const begins = Math.max(start + upTo('start window'), free);
          if (begins > start + seconds('start window')) continue; // EXPIRED
          if (blocked.some(({ from, to }) => mod(begins - from, WEEK) < to - from)) continue; // FAILED
          const backedUp = begins + upTo('backup job') + upTo('export');
          if (line.component === 'db') free = backedUp;
          points.push({
            moment: start,
            usable: backedUp + upTo('copy wait') + upTo('copy job') + upTo('replication'),
          });
        }
        assert.ok(
          oldestAge(points) <= line.worstCaseSeconds + 1e-6,
          `${line.technique} ${line.schedule}: ${oldestAge(points)} > ${line.worstCaseSeconds}`,
        );
      }
    }),
    { numRuns: 60 },
  );
});

/** None and the longest most often, between them sometimes. A generator of fast-check's would print a year of numbers. */
function delaysOf(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return () => {
    const kind = next();
    return kind < 0.4 ? 0 : kind < 0.8 ? 1 : next();
  };
}

interface Point {
  readonly moment: number;
  readonly usable: number;
}

const mod = (value: number, by: number) => ((value % by) + by) % by;

const blocksJobs = ({ databases }: PlanInput, planned: PlanResult) =>
  databases[0].kind !== 'aurora-cluster' && planned.databases[0].continuous === undefined;

/** From one hour before each window to its end, in seconds of the week. */
function blockedSeconds({ backupWindow, maintenanceWindow }: { backupWindow?: string; maintenanceWindow?: string }) {
  const [backupFrom, backupTo] = backupWindow!.split('-').map(secondsOf);
  const [from, to] = maintenanceWindow!.split('-').map(secondsOf);
  const span = (start: number, end: number, round: number) => ({
    from: start - HOUR,
    to: start + mod(end - start, round),
  });
  return [span(from, to, WEEK), ...DAYS.map((_, day) => span(backupFrom + day * DAY, backupTo + day * DAY, DAY))];
}

function secondsOf(text: string): number {
  const parts = text.split(':');
  const day = parts.length === 3 ? DAYS.indexOf(parts.shift()!) : 0;
  return day * DAY + Number(parts[0]) * HOUR + Number(parts[1]) * MINUTE;
}

/** Its first 30 minutes. */
function shortened(window: string): string {
  const [from] = window.split('-');
  const end = mod(secondsOf(from) + 30 * MINUTE, WEEK);
  const day = from.split(':').length === 3 ? `${DAYS[Math.floor(end / DAY)]}:` : '';
  return `${from}-${day}${clock(Math.floor((end % DAY) / MINUTE))}`;
}

/** Ages are greatest just before a point becomes usable; what becomes usable later may be older than what already is. */
function oldestAge(points: readonly Point[]): number {
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
  for (let hours = 0; hours < days * 24; hours++) {
    if (!matches(hour, hours % 24)) continue;
    for (let minutes = 0; minutes < 60; minutes++)
      if (matches(minute, minutes)) starts.push(hours * HOUR + minutes * MINUTE);
  }
  return starts;
}
