import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type RetentionPolicy } from '../../../lambda/archive/prune/policy';

/** A point is named by when it began, which a person can read. */
function kept(times: readonly string[], policy: RetentionPolicy, incomplete: readonly string[] = []): string[] {
  const points = times.map((time) => ({
    manifestKey: time,
    startedAt: new Date(`${time}Z`),
    complete: !incomplete.includes(time),
  }));
  return decide(points, policy)
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ manifestKey }) => manifestKey);
}

const TIMES = [
  '2026-11-24T12:00', // a Tuesday
  '2026-11-24T11:30',
  '2026-11-24T11:00',
  '2026-11-24T00:00',
  '2026-11-23T23:59', // the Monday
  '2026-11-22T12:00', // the Sunday before: another week
  '2026-11-01T12:00',
  '2026-10-31T12:00', // another month
  '2025-12-31T12:00', // another year
];

test('what is kept', () => {
  const rows: [string, RetentionPolicy, string[]][] = [
    ['the newest always', {}, ['2026-11-24T12:00']],
    ['two', { last: 2 }, ['2026-11-24T12:00', '2026-11-24T11:30']],
    ['more than there are', { last: 99 }, TIMES],
    ['the newest of each hour', { hourly: 3 }, ['2026-11-24T12:00', '2026-11-24T11:30', '2026-11-24T00:00']],
    ['midnight parts days', { daily: 2 }, ['2026-11-24T12:00', '2026-11-23T23:59']],
    [
      'days without a point do not count',
      { daily: 4 },
      ['2026-11-24T12:00', '2026-11-23T23:59', '2026-11-22T12:00', '2026-11-01T12:00'],
    ],
    ['weeks begin on Monday', { weekly: 2 }, ['2026-11-24T12:00', '2026-11-22T12:00']],
    ['months', { monthly: 2 }, ['2026-11-24T12:00', '2026-10-31T12:00']],
    ['years', { yearly: 2 }, ['2026-11-24T12:00', '2025-12-31T12:00']],
    ['rules add up', { last: 1, yearly: 2 }, ['2026-11-24T12:00', '2025-12-31T12:00']],
  ];
  for (const [name, policy, expected] of rows) assert.deepEqual(kept(TIMES, policy), expected, name);
});

test('a point that is not complete counts for nothing and is not removed', () => {
  assert.deepEqual(kept(TIMES, { last: 1 }, ['2026-11-24T12:00', '2026-10-31T12:00']), [
    '2026-11-24T12:00',
    '2026-11-24T11:30',
    '2026-10-31T12:00',
  ]);
});

test('the reason is given', () => {
  const [only] = decide([{ manifestKey: 'a', startedAt: new Date('2026-11-24T12:00Z'), complete: true }], {
    weekly: 1,
  });
  assert.deepEqual(only!.reasons, ['the newest complete point', 'the newest of its week, 2026-11-23']);
});
