/** Which points stay: a pure decision, with the reasons. */

/** How many to keep of each kind; at least one must be given. Days and weeks are those of UTC, weeks begin on Monday. */
export interface RetentionPolicy {
  /** The newest. */
  readonly last?: number;
  /** The newest of each hour, day, week, month and year, for so many of those that have a point. */
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
}

export interface RetentionPoint {
  readonly manifestKey: string;
  readonly startedAt: Date;
  /** And not known to be damaged. False: it counts for nothing, and is not removed either. */
  readonly complete: boolean;
  /** It counts for nothing, and stays until a newer point is good. Default: false. */
  readonly suspicious?: boolean;
}

export interface Decision {
  readonly manifestKey: string;
  /** Why it is kept; empty: it goes. */
  readonly reasons: readonly string[];
}

const iso = (date: Date) => date.toISOString();
const BUCKETS: Readonly<Record<Exclude<keyof RetentionPolicy, 'last'>, (date: Date) => string>> = {
  hourly: (date) => iso(date).slice(0, 13),
  daily: (date) => iso(date).slice(0, 10),
  weekly: (date) => iso(mondayOf(date)).slice(0, 10),
  monthly: (date) => iso(date).slice(0, 7),
  yearly: (date) => iso(date).slice(0, 4),
};
const NAMES = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' } as const;

/** @returns a decision for each point, newest first */
export function decide(points: readonly RetentionPoint[], policy: RetentionPolicy): Decision[] {
  const newestFirst = points.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  const reasons = new Map<string, string[]>(points.map(({ manifestKey }) => [manifestKey, []]));
  const complete = newestFirst.filter((point) => point.complete && !point.suspicious);
  const newestGood = complete[0]?.startedAt.getTime() ?? -Infinity;
  for (const { manifestKey } of newestFirst.filter((point) => !point.complete)) {
    reasons.get(manifestKey)!.push('not complete or damaged: it may still arrive, be mended, or be of use');
  }
  for (const { manifestKey, startedAt } of newestFirst.filter((point) => point.complete && point.suspicious)) {
    if (startedAt.getTime() > newestGood) reasons.get(manifestKey)!.push('suspicious, and no point since is good');
  }
  for (const { manifestKey } of complete.slice(0, 1)) reasons.get(manifestKey)!.push('the newest complete point');
  for (const { manifestKey } of complete.slice(0, policy.last ?? 0)) reasons.get(manifestKey)!.push('one of the last');
  for (const [kind, bucketOf] of Object.entries(BUCKETS) as [keyof typeof BUCKETS, (date: Date) => string][]) {
    const seen = new Set<string>();
    for (const { manifestKey, startedAt } of complete) {
      const bucket = bucketOf(startedAt);
      if (seen.has(bucket)) continue;
      if (seen.size >= (policy[kind] ?? 0)) break;
      seen.add(bucket);
      reasons.get(manifestKey)!.push(`the newest of its ${NAMES[kind]}, ${bucket}`);
    }
  }
  return newestFirst.map(({ manifestKey }) => ({ manifestKey, reasons: reasons.get(manifestKey)! }));
}

function mondayOf(date: Date): Date {
  const day = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return day;
}
