/** The longest time between two runs of an EventBridge schedule, as far as it can be told. */

const UNITS: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** EventBridge counts from Sunday, 1. */
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Two leap days at least, the rarest that there is. */
const DAYS = 9 * 366;
const DAY_SECONDS = 86_400;

/**
 * @returns seconds; undefined where the expression is neither `rate(...)` nor a `cron(...)` of lists, ranges and steps, or
 * runs for some years only
 */
export function longestGapSeconds(expression: string): number | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate) return Number(rate[1]) * UNITS[rate[2]];
  const fields = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)$/.exec(expression)?.slice(1);
  if (!fields) return undefined;
  const [minutes, hours, days, months, weekdays] = [
    valuesOf(fields[0], 0, 59),
    valuesOf(fields[1], 0, 23),
    valuesOf(fields[2], 1, 31),
    valuesOf(fields[3], 1, 12, MONTHS),
    valuesOf(fields[4], 1, 7, WEEKDAYS),
  ];
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 3600 + minute * 60));
  times.sort((a, b) => a - b);
  const runs: number[] = [];
  for (let day = 0; day < DAYS; day++) {
    const date = new Date(Date.UTC(2024, 0, 1 + day));
    if (!months.has(date.getUTCMonth() + 1) || !days.has(date.getUTCDate())) continue;
    if (!weekdays.has(date.getUTCDay() + 1)) continue;
    runs.push(...times.map((time) => day * DAY_SECONDS + time));
  }
  if (runs.length < 2) return undefined;
  return runs.slice(1).reduce((longest, run, index) => Math.max(longest, run - runs[index]), 0);
}

/** What a field of the expression names; undefined: `L`, `W`, `#` or nonsense. */
function valuesOf(field: string, from: number, to: number, names: readonly string[] = []): Set<number> | undefined {
  const number = (text: string) => {
    const index = names.indexOf(text.toLowerCase());
    const value = index >= 0 ? index + from : /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= from && value <= to ? value : undefined;
  };
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range, stepText, ...more] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (more.length > 0 || !Number.isInteger(step) || step < 1) return undefined;
    const all = range === '*' || range === '?';
    const [firstText, lastText, ...rest] = all ? [String(from), String(to)] : range.split('-');
    const first = number(firstText);
    const last = lastText !== undefined ? number(lastText) : stepText === undefined ? first : to;
    if (rest.length > 0 || first === undefined || last === undefined || last < first) return undefined;
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}
