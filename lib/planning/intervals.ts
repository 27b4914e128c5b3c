/**
 * The intervals that a cron expression can say evenly: divisors of a day, or of an hour. "Every 5 hours" in cron is 0, 5,
 * 10, 15, 20 and then 4 hours to 0: not an interval, so it is not offered.
 */

/** AWS Backup's smallest useful interval is an hour. */
export const BACKUP_INTERVAL_HOURS = [1, 2, 3, 4, 6, 8, 12, 24] as const;

export const EXPORT_INTERVAL_MINUTES = [5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] as const;

/**
 * AWS's six-field cron, in UTC: every `minutes`, the first in a day at `offsetMinutes` past midnight.
 * @throws if cron cannot say it evenly, or the offset is not within the interval
 */
export function cronEvery(minutes: number, offsetMinutes = 0): string {
  const even = minutes < 60 ? 60 % minutes === 0 : minutes % 60 === 0 && 1440 % minutes === 0;
  if (!(Number.isInteger(minutes) && minutes > 0 && even)) {
    throw new Error(
      `\`minutes\` must divide an hour, or be whole hours that divide a day, got ${minutes}: cron cannot say it evenly`,
    );
  }
  if (!(Number.isInteger(offsetMinutes) && offsetMinutes >= 0 && offsetMinutes < minutes)) {
    throw new Error(`\`offsetMinutes\` must be from 0 to ${minutes - 1}, got ${offsetMinutes}`);
  }
  if (minutes < 60) return `cron(${offsetMinutes}/${minutes} * * * ? *)`;
  const minute = offsetMinutes % 60;
  const hour = Math.floor(offsetMinutes / 60);
  if (minutes === 60) return `cron(${minute} * * * ? *)`;
  if (minutes === 1440) return `cron(${minute} ${hour} * * ? *)`;
  return `cron(${minute} ${hour}/${minutes / 60} * * ? *)`;
}
