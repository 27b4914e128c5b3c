import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cronDaily,
  cronEvery,
  cronMonthly,
  cronWeekly,
  cronYearly,
  describeSchedule,
} from '../../../lib/planning/intervals';

for (const [minutes, offset, expected] of [
  [5, 0, 'cron(0/5 * * * ? *)'],
  [30, 7, 'cron(7/30 * * * ? *)'],
  [60, 0, 'cron(0 * * * ? *)'],
  [120, 0, 'cron(0 0/2 * * ? *)'],
  [720, 90, 'cron(30 1/12 * * ? *)'],
  [1440, 0, 'cron(0 0 * * ? *)'],
  [1440, 1439, 'cron(59 23 * * ? *)'],
] as const) {
  test(`every ${minutes} min from ${offset} is ${expected}`, () => assert.equal(cronEvery(minutes, offset), expected));
}

test('what cron cannot say evenly is refused', () => {
  for (const minutes of [0, -5, 7, 45, 90, 300, 1500, 2880, 2.5]) {
    assert.throws(() => cronEvery(minutes), /cron cannot say it evenly/, String(minutes));
  }
  assert.throws(() => cronEvery(60, 60), /`offsetMinutes` must be from 0 to 59, got 60/);
  assert.throws(() => cronEvery(60, -1), /`offsetMinutes`/);
});

for (const [expression, words] of [
  ['cron(0/30 * * * ? *)', 'every 30 min'],
  ['cron(7/30 * * * ? *)', 'every 30 min from :07'],
  ['cron(5 * * * ? *)', 'hourly at :05'],
  ['cron(30 1/12 * * ? *)', 'every 12 h from 01:30'],
  ['cron(59 23 * * ? *)', 'daily at 23:59'],
  ['cron(0 0 1 * ? *)', 'cron(0 0 1 * ? *)'],
] as const) {
  test(`${expression} in words`, () => assert.equal(describeSchedule(expression), words));
}

test('a minute of the day, week, month and year', () => {
  assert.deepEqual(
    [cronDaily(150), cronWeekly(150), cronMonthly(0), cronYearly(1439)],
    ['cron(30 2 * * ? *)', 'cron(30 2 ? * SUN *)', 'cron(0 0 1 * ? *)', 'cron(59 23 1 1 ? *)'],
  );
});
