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
  const { minute, hour } = timeOfDay(offsetMinutes);
  if (minutes === 60) return `cron(${minute} * * * ? *)`;
  if (minutes === 1440) return cronDaily(offsetMinutes);
  return `cron(${minute} ${hour}/${minutes / 60} * * ? *)`;
}

/** Once a day, a week (Sunday), a month (the first) or a year (January the first), this many minutes past midnight, in UTC. */
export const cronDaily = (minutes: number) => cronOf(minutes, '* * ?');
export const cronWeekly = (minutes: number) => cronOf(minutes, '? * SUN');
export const cronMonthly = (minutes: number) => cronOf(minutes, '1 * ?');
export const cronYearly = (minutes: number) => cronOf(minutes, '1 1 ?');

function cronOf(minutes: number, days: string): string {
  const { minute, hour } = timeOfDay(minutes);
  return `cron(${minute} ${hour} ${days} *)`;
}

const timeOfDay = (minutes: number) => ({ minute: minutes % 60, hour: Math.floor(minutes / 60) });

/** What `cronEvery` wrote, for people: `every 30 min`, `hourly at :15`, `every 6 h from 02:00`, `daily at 03:30`. */
export function describeSchedule(expression: string): string {
  const found = /^cron\((\d+)(?:\/(\d+))? (\*|\d+)(?:\/(\d+))? \* \* \? \*\)$/.exec(expression);
  if (!found) return expression;
  const [, minute, everyMinutes, hour, everyHours] = found;
  const [mm, hh] = [minute, hour].map((text) => text.padStart(2, '0'));
  if (everyMinutes !== undefined) return `every ${everyMinutes} min${minute === '0' ? '' : ` from :${mm}`}`;
  if (hour === '*') return `hourly at :${mm}`;
  return everyHours === undefined ? `daily at ${hh}:${mm}` : `every ${everyHours} h from ${hh}:${mm}`;
}
