import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { chooseRecoverySet, type Point } from '../../../lambda/drill/choose-recovery-set';
import type { RestorableWindow } from '../../../lambda/drill/restorable-window';

/** `10:30` or `10:30:00.700` of the day of the drills below; what follows a blank is why the point cannot be used. */
function point(text: string): Point {
  const [time, unusable] = text.split(/ (.*)/s);
  return {
    id: `at ${time}`,
    technique: 'backup-copy',
    moment: `2026-11-24T${time?.length === 5 ? `${time}:00.000` : time}Z`,
    ...(unusable ? { unusable } : {}),
  };
}

interface Row {
  readonly what: string;
  readonly now?: string;
  readonly rpoHours?: number;
  readonly points: Readonly<Record<string, readonly string[]>>;
  readonly chosen: readonly string[];
  readonly skewSeconds?: number;
}

const ROWS: readonly Row[] = [
  {
    what: 'one point each',
    points: { db: ['10:00'], files: ['10:10'] },
    chosen: ['db at 10:00', 'files at 10:10'],
    skewSeconds: 600,
  },
  {
    what: 'of several exports the one nearest to the only snapshot, not the newest',
    points: { db: ['10:00'], files: ['09:30', '09:58', '10:30', '11:00'] },
    chosen: ['db at 10:00', 'files at 09:58'],
    skewSeconds: 120,
  },
  {
    what: 'of two sets that fit, the newer, though the older fits better',
    points: { db: ['08:00', '10:00'], files: ['08:00', '10:05'] },
    chosen: ['db at 10:00', 'files at 10:05'],
    skewSeconds: 300,
  },
  {
    what: 'exactly the tolerance of 15 minutes still fits',
    points: { db: ['08:00', '10:00'], files: ['08:00', '10:15'] },
    chosen: ['db at 10:00', 'files at 10:15'],
    skewSeconds: 900,
  },
  {
    what: 'a minute more does not: the older set that fits is better, as long as it is within the RPO',
    points: { db: ['08:00', '10:00'], files: ['08:00', '10:16'] },
    chosen: ['db at 08:00', 'files at 08:00'],
    skewSeconds: 0,
  },
  {
    what: 'a set beyond the RPO is no choice while there is one within, though it fits better',
    rpoHours: 3,
    points: { db: ['08:00', '10:00'], files: ['08:00', '10:16'] },
    chosen: ['db at 10:00', 'files at 10:16'],
    skewSeconds: 960,
  },
  {
    what: 'exactly as old as the RPO is within',
    rpoHours: 4,
    points: { db: ['08:00', '10:00'], files: ['08:00', '10:16'] },
    chosen: ['db at 08:00', 'files at 08:00'],
    skewSeconds: 0,
  },
  {
    what: 'beyond the RPO altogether: the newest that there is',
    rpoHours: 1,
    points: { db: ['02:00', '05:00'], files: ['02:00', '05:05'] },
    chosen: ['db at 05:00', 'files at 05:05'],
    skewSeconds: 300,
  },
  {
    what: 'a point that cannot be used is passed over',
    points: { db: ['10:00'], files: ['09:50', '10:00 pack 7 is missing'] },
    chosen: ['db at 10:00', 'files at 09:50'],
    skewSeconds: 600,
  },
  {
    what: 'a point later than the drill is not used',
    points: { db: ['10:00', '12:01'], files: ['10:00', '12:01'] },
    chosen: ['db at 10:00', 'files at 10:00'],
    skewSeconds: 0,
  },
  {
    what: 'of two equally near points the newer',
    points: { db: ['10:00'], files: ['09:55', '10:05'] },
    chosen: ['db at 10:00', 'files at 10:05'],
    skewSeconds: 300,
  },
  {
    what: 'three components: skew is newest minus oldest of all',
    points: { a: ['10:00'], b: ['10:10'], files: ['09:56', '10:05', '10:14'] },
    chosen: ['a at 10:00', 'b at 10:10', 'files at 10:05'],
    skewSeconds: 600,
  },
  {
    what: 'a component without points is missing, the others are restored all the same',
    points: { db: [], files: ['10:00'] },
    chosen: ['files at 10:00'],
    skewSeconds: 0,
  },
  { what: 'nothing at all', points: { db: [], files: [] }, chosen: [] },
];

/** `10:00:00-11:58:00` of that day; what follows a blank is why it cannot be used. */
function window(text: string): RestorableWindow {
  const [span = '', unusable] = text.split(/ (.*)/s);
  const [earliest, latest] = span.split('-').map((time) => (time === '' ? undefined : `2026-11-24T${time}Z`));
  return {
    id: `window ${span}`,
    technique: 'rds-automated-backup-replication',
    ...(earliest && latest ? { earliest, latest } : {}),
    ...(unusable ? { unusable } : {}),
  };
}

interface WindowRow extends Omit<Row, 'points'> {
  /** Of each database its window, then its copies. */
  readonly windows: Readonly<Record<string, readonly [string, ...string[]]>>;
  readonly points: Readonly<Record<string, readonly string[]>>;
}

const WINDOW_ROWS: readonly WindowRow[] = [
  {
    what: 'the moment of the newest export, though the window goes on',
    windows: { db: ['08:00:00-11:58:00'] },
    points: { files: ['11:20', '11:50'] },
    chosen: ['db window 11:50:00', 'files point 11:50:00'],
    skewSeconds: 0,
  },
  {
    what: 'the second in which the newest export began, though the next one is nearer',
    windows: { db: ['08:00:00-11:50:01.500'] },
    points: { files: ['11:20', '11:50:00.700'] },
    chosen: ['db window 11:50:00', 'files point 11:50:00'],
    skewSeconds: 0.7,
  },
  {
    what: 'an export at the very end of the window, and one at its very beginning',
    windows: { db: ['11:50:00-11:50:00'] },
    points: { files: ['11:50'] },
    chosen: ['db window 11:50:00 latest', 'files point 11:50:00'],
    skewSeconds: 0,
  },
  {
    what: 'the end of the window where the export is a second later',
    windows: { db: ['08:00:00-11:49:59.900'] },
    points: { files: ['11:50'] },
    chosen: ['db window 11:49:59 latest', 'files point 11:50:00'],
    skewSeconds: 1,
  },
  {
    what: 'the beginning of the window where the only export is before it',
    windows: { db: ['11:40:00.100-11:58:00'] },
    points: { files: ['11:35'] },
    chosen: ['db window 11:40:01', 'files point 11:35:00'],
    skewSeconds: 301,
  },
  {
    what: 'several databases and volumes: one moment',
    windows: { a: ['08:00:00-11:58:00'], b: ['11:00:00-11:55:00'] },
    points: { files: ['11:50'], tenants: ['11:50'] },
    chosen: ['a window 11:50:00', 'b window 11:50:00', 'files point 11:50:00', 'tenants point 11:50:00'],
    skewSeconds: 0,
  },
  {
    what: 'a window beside a database with copies alone: both at the moment of the copy, if an export is near',
    windows: { a: ['08:00:00-11:58:00'] },
    points: { b: ['11:00'], files: ['11:00', '11:50'] },
    chosen: ['a window 11:00:00', 'b point 11:00:00', 'files point 11:00:00'],
    skewSeconds: 0,
  },
  {
    what: 'no volume at all: the end of the window',
    windows: { db: ['08:00:00-11:58:30'] },
    points: {},
    chosen: ['db window 11:58:30 latest'],
    skewSeconds: 0,
  },
  {
    what: 'nothing after the beginning of the drill',
    now: '11:30:00',
    windows: { db: ['08:00:00-11:58:00'] },
    points: {},
    chosen: ['db window 11:30:00'],
    skewSeconds: 0,
  },
  {
    what: 'the window, not the copy of the same moment',
    windows: { db: ['08:00:00-11:58:00', '11:50'] },
    points: { files: ['11:50'] },
    chosen: ['db window 11:50:00', 'files point 11:50:00'],
    skewSeconds: 0,
  },
  {
    what: 'nor the copy that is nearer by less than a second',
    windows: { db: ['08:00:00-11:58:00', '11:50:00.600'] },
    points: { files: ['11:50:00.700'] },
    chosen: ['db window 11:50:00', 'files point 11:50:00'],
    skewSeconds: 0.7,
  },
  {
    what: 'the copy where the window cannot be used',
    windows: { db: ['- it is creating', '11:00'] },
    points: { files: ['11:00', '11:50'] },
    chosen: ['db point 11:00:00', 'files point 11:00:00'],
    skewSeconds: 0,
  },
  {
    what: 'the copy where the window ended long before it',
    windows: { db: ['02:00:00-06:30:00', '11:45'] },
    points: { files: ['06:30', '11:50'] },
    chosen: ['db point 11:45:00', 'files point 11:50:00'],
    skewSeconds: 300,
  },
  {
    what: 'an older moment of the window, where the newest export is not all there',
    windows: { db: ['08:00:00-11:58:00'] },
    points: { files: ['11:20', '11:50 pack 7 is missing'] },
    chosen: ['db window 11:20:00', 'files point 11:20:00'],
    skewSeconds: 0,
  },
  {
    what: 'beyond the RPO altogether: the end of the window all the same',
    rpoHours: 1,
    windows: { db: ['02:00:00-05:00:00'] },
    points: { files: ['05:05'] },
    chosen: ['db window 05:00:00 latest', 'files point 05:05:00'],
    skewSeconds: 300,
  },
  {
    what: 'a window that begins after the drill gives nothing',
    now: '07:59:59',
    windows: { db: ['08:00:00-11:58:00'] },
    points: { files: ['07:00'] },
    chosen: ['files point 07:00:00'],
    skewSeconds: 0,
  },
];

describe('chooseRecoverySet', () => {
  for (const { what, now = '12:00', rpoHours = 6, points, chosen, skewSeconds } of ROWS) {
    it(what, () => {
      const set = chooseRecoverySet({
        components: Object.entries(points).map(([component, texts]) => ({ component, points: texts.map(point) })),
        now: `2026-11-24T${now}:00.000Z`,
        rpoSeconds: rpoHours * 3600,
      });
      assert.deepEqual(
        set.chosen.map(({ component, id }) => `${component} ${id}`),
        chosen,
      );
      assert.equal(set.skewSeconds, skewSeconds);
    });
  }

  for (const { what, now = '12:00:00', rpoHours = 6, windows, points, chosen, skewSeconds } of WINDOW_ROWS) {
    it(`point in time: ${what}`, () => {
      const set = chooseRecoverySet({
        components: [
          ...Object.entries(windows).map(([component, [span, ...copies]]) => ({
            component,
            points: (copies ?? []).map(point),
            windows: [window(span)],
          })),
          ...Object.entries(points).map(([component, texts]) => ({ component, points: texts.map(point) })),
        ],
        now: `2026-11-24T${now}.000Z`,
        rpoSeconds: rpoHours * 3600,
      });
      assert.deepEqual(
        set.chosen.map(
          ({ component, id, moment, latest }) =>
            `${component} ${id.startsWith('at') ? 'point' : 'window'} ${moment.slice(11, 19)}${latest ? ' latest' : ''}`,
        ),
        chosen,
      );
      assert.equal(set.skewSeconds, skewSeconds);
    });
  }

  it('says why a component has nothing, and why newer points were passed over', () => {
    const set = chooseRecoverySet({
      components: [
        { component: 'db', points: ['09:00', '10:00 its status is EXPIRED'].map(point) },
        { component: 'files', points: ['08:00 pack 1 is missing', '10:00 pack 2 is missing'].map(point) },
        { component: 'other', points: [] },
      ],
      now: '2026-11-24T12:00:00.000Z',
      rpoSeconds: 3600,
    });
    assert.deepEqual(set.missing, [
      { component: 'files', reason: 'none of its 2 points can be used; the newest: pack 2 is missing' },
      { component: 'other', reason: 'there is no point at this site: find out whether its backups and copies run' },
    ]);
    assert.deepEqual(set.passedOver, [
      { component: 'db', id: 'at 10:00', reason: 'its status is EXPIRED' },
      { component: 'files', id: 'at 10:00', reason: 'pack 2 is missing' },
      { component: 'files', id: 'at 08:00', reason: 'pack 1 is missing' },
    ]);
    assert.equal(set.moment, '2026-11-24T09:00:00.000Z');
  });

  it('names at most five of those passed over', () => {
    const texts = ['10:01', '10:02', '10:03', '10:04', '10:05', '10:06', '10:07'].map((time) => `${time} damaged`);
    const set = chooseRecoverySet({
      components: [{ component: 'files', points: ['10:00', ...texts].map(point) }],
      now: '2026-11-24T12:00:00.000Z',
      rpoSeconds: 3600,
    });
    assert.deepEqual(
      set.passedOver.map(({ id }) => id),
      ['at 10:07', 'at 10:06', 'at 10:05', 'at 10:04', 'at 10:03'],
    );
  });
});

describe('points outside the lock of the vault', () => {
  const outsideLock = 'it is kept for 3 days, and the lock of the vault wants 7 at least';
  /** `10:30 outside`, of the day of the drills. */
  const lockedPoint = (text: string): Point => {
    const [time = '', outside] = text.split(' ');
    return { ...point(time), ...(outside === undefined ? {} : { outsideLock }) };
  };

  for (const { what, points, windows = [], pinned, chosen, flagged, passedOver } of [
    {
      what: 'a newer one is passed over for one inside, within the objective',
      points: ['09:00', '10:00 outside'],
      chosen: 'at 09:00',
      passedOver: [['at 10:00', `outside the lock: ${outsideLock}`]],
    },
    {
      what: 'exactly as old as the objective is within',
      points: ['08:00', '10:00 outside'],
      chosen: 'at 08:00',
      passedOver: [['at 10:00', `outside the lock: ${outsideLock}`]],
    },
    {
      what: 'it is taken where the one inside is a minute beyond the objective',
      points: ['07:59', '10:00 outside'],
      chosen: 'at 10:00',
      flagged: true,
    },
    { what: 'it is taken where it is the only one', points: ['10:00 outside'], chosen: 'at 10:00', flagged: true },
    {
      what: 'one inside that is later than the drill is none',
      points: ['10:00 outside', '12:30'],
      chosen: 'at 10:00',
      flagged: true,
      passedOver: [['at 12:30', 'it is later than the drill']],
    },
    {
      what: 'it is taken where it was asked for',
      points: ['09:00', '10:00 outside'],
      pinned: 'at 10:00',
      chosen: 'at 10:00',
      flagged: true,
    },
    {
      what: 'a window goes before it',
      points: ['11:00 outside'],
      windows: [
        {
          id: 'db-IS',
          technique: 'backup-continuous' as const,
          earliest: '2026-11-23T00:00:00.000Z',
          latest: '2026-11-24T10:30:00.000Z',
        },
      ],
      chosen: 'db-IS',
      passedOver: [['at 11:00', `outside the lock: ${outsideLock}`]],
    },
  ]) {
    it(what, () => {
      const set = chooseRecoverySet({
        components: [{ component: 'db', points: points.map(lockedPoint), windows }],
        now: '2026-11-24T12:00:00.000Z',
        rpoSeconds: 4 * 3600,
        ...(pinned === undefined ? {} : { pinned }),
      });
      assert.deepEqual(
        set.chosen.map(({ id, outsideLock: flag }) => [id, flag]),
        [[chosen, flagged ? outsideLock : undefined]],
      );
      assert.deepEqual(
        set.passedOver.map(({ id, reason }) => [id, reason]),
        passedOver ?? [],
      );
    });
  }
});
