import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noStagger, stagger, windowProblems } from '../../../lib/planning/rds-windows';

const HOUR = 60;

describe('a schedule keeps away from windows that are known', () => {
  // Runs may start up to 1 h late, and fail from 1 h before a window: so from 2 h before it to its end.
  for (const [why, maintenanceWindow, backupWindow, interval, offset, gap, safe] of [
    ['midnight is free', 'sun:03:00-sun:04:00', '05:00-05:30', 24 * HOUR, 0, 24 * HOUR, 0],
    ['a backup window at 02:00 takes midnight', 'sun:10:00-sun:11:00', '02:00-02:30', 24 * HOUR, 150, 24 * HOUR, 150],
    ['one at 02:05 does not', 'sun:10:00-sun:11:00', '02:05-02:35', 24 * HOUR, 0, 24 * HOUR, 0],
    ['over midnight', 'sun:10:00-sun:11:00', '23:30-00:30', 24 * HOUR, 30, 24 * HOUR, 30],
    ['maintenance after the backup', 'sun:02:30-sun:03:30', '02:00-02:30', 24 * HOUR, 210, 24 * HOUR, 210],
    ['over the end of the week', 'sat:23:30-sun:00:30', '12:00-12:30', 24 * HOUR, 30, 24 * HOUR, 30],
    ['every 12 h', 'sun:03:00-sun:04:00', '14:00-14:30', 12 * HOUR, 240, 12 * HOUR, 240],
    // Every 2 h, whatever the offset, one run in the 2.5 h is lost; some offsets lose two.
    ['every 2 h one is lost', 'sun:12:00-sun:12:30', '12:30-13:00', 2 * HOUR, 60, 4 * HOUR, 60],
    ['hourly three are lost on Sunday', 'sun:12:00-sun:12:30', '12:30-13:00', HOUR, 0, 4 * HOUR, 0],
  ] as const) {
    test(`${why}: every ${interval / HOUR} h, ${maintenanceWindow}, ${backupWindow}`, () => {
      assert.deepEqual(windowProblems('db', { maintenanceWindow, backupWindow }), []);
      assert.deepEqual(stagger(interval, { maintenanceWindow, backupWindow }), {
        offsetMinutes: offset,
        gapMinutes: gap,
        safeMinutes: safe,
      });
    });
  }
});

describe('windows that are not known: as long as known or 30 min, wherever it hurts most', () => {
  // Each takes 2.5 h, the backup window every day and the maintenance window once a week.
  for (const [why, interval, windows, gap] of [
    ['the daily run may fail every day', 24 * HOUR, {}, Infinity],
    ['one of two fails every day, the other on one', 12 * HOUR, {}, 48 * HOUR],
    ['one of three, and the next on one day', 8 * HOUR, {}, 24 * HOUR],
    ['one, and one', 3 * HOUR, {}, 9 * HOUR],
    ['two, and two', 2 * HOUR, {}, 10 * HOUR],
    ['three, and three', HOUR, {}, 7 * HOUR],
    ['maintenance of 60 min takes 3 h', 3 * HOUR, { maintenanceWindow: 'sun:03:00-sun:04:00' }, 9 * HOUR],
    ['of 65 min takes two', 3 * HOUR, { maintenanceWindow: 'sun:03:00-sun:04:05' }, 12 * HOUR],
    ['a backup of 60 min takes 3 h', 3 * HOUR, { backupWindow: '03:00-04:00' }, 9 * HOUR],
    ['of 65 min takes two', 3 * HOUR, { backupWindow: '03:00-04:05' }, 12 * HOUR],
  ] as const) {
    test(`${why}: every ${interval / HOUR} h, ${JSON.stringify(windows)}`, () => {
      assert.deepEqual(stagger(interval, windows), { offsetMinutes: 0, gapMinutes: gap });
    });
  }
});

test('a window that leaves no time is told from one that leaves some', () => {
  const backupWindow = '12:00-12:30';
  assert.equal(stagger(24 * HOUR, { backupWindow, maintenanceWindow: 'sun:13:00-sun:12:00' }).gapMinutes, Infinity);
});

test('what no window makes fail starts at midnight', () => {
  assert.deepEqual(noStagger(HOUR), { offsetMinutes: 0, gapMinutes: 60, safeMinutes: 0 });
});

describe('windows that RDS would not have', () => {
  for (const [windows, problem] of [
    [{ maintenanceWindow: 'sun:03:00-sun:03:30', backupWindow: '02:00-02:30' }, undefined],
    [{ maintenanceWindow: 'Sun:03:00-Sun:03:30' }, undefined],
    [{ maintenanceWindow: 'sun:03:00-sun:03:29' }, /`maintenanceWindow` of db must be ddd:hh:mm-ddd:hh:mm/],
    [{ maintenanceWindow: '03:00-03:30' }, /`maintenanceWindow`/],
    [{ maintenanceWindow: 'sum:03:00-sun:03:30' }, /got 'sum:03:00-sun:03:30'/],
    [{ backupWindow: '02:00-02:30' }, undefined],
    [{ backupWindow: '02:00-02:29' }, /`backupWindow` of db must be hh:mm-hh:mm in UTC, at least 30 minutes long/],
    [{ backupWindow: '24:00-25:00' }, /`backupWindow`/],
    [{ backupWindow: '02:60-03:40' }, /`backupWindow`/],
    [{ maintenanceWindow: 'mon:03:00-mon:04:00', backupWindow: '03:30-04:30' }, /must not overlap its maintenance/],
    [{ maintenanceWindow: 'mon:03:00-mon:04:00', backupWindow: '04:00-04:30' }, undefined],
    [{ maintenanceWindow: 'sat:23:30-sun:00:30', backupWindow: '00:00-00:30' }, /must not overlap/],
  ] as const) {
    test(JSON.stringify(windows), () => {
      const found = windowProblems('db', windows);
      if (problem === undefined) assert.deepEqual(found, []);
      else assert.match(found.join('\n'), problem);
    });
  }
});
