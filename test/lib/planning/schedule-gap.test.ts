import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestGapSeconds } from '../../../lib/planning/schedule-gap';

const DAY = 86_400;

for (const [expression, seconds] of [
  ['rate(7 days)', 7 * DAY],
  ['rate(1 day)', DAY],
  ['rate(12 hours)', DAY / 2],
  ['rate(90 minutes)', 5400],
  ['cron(0 3 * * ? *)', DAY],
  ['cron(0 3 ? * SUN *)', 7 * DAY],
  ['cron(0 3 ? * MON-FRI *)', 3 * DAY],
  ['cron(0 3,15 ? * 1,4 *)', 3.5 * DAY],
  ['cron(0/30 * * * ? *)', 1800],
  ['cron(0 */8 * * ? *)', DAY / 3],
  // From the 1st of July to the 1st of August, and from one January to the next over a leap day.
  ['cron(0 3 1 * ? *)', 31 * DAY],
  ['cron(0 3 1 JAN ? *)', 366 * DAY],
  ['cron(0 3 31 * ? *)', 61 * DAY],
  ['cron(0 3 29 2 ? *)', 1461 * DAY],
  ['cron(0 3 L * ? *)', undefined],
  ['cron(0 3 ? * 2#1 *)', undefined],
  ['cron(0 3 * * ? 2027)', undefined],
  ['cron(0 24 * * ? *)', undefined],
  ['cron(0 3 30 FEB ? *)', undefined],
  ['at(2027-01-01T00:00:00)', undefined],
] as const) {
  test(`${expression}: ${seconds ?? 'cannot be told'}`, () => assert.equal(longestGapSeconds(expression), seconds));
}
