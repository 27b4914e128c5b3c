/** How long recovery points are kept, and what follows from it: tiers, cold storage, vault locks. */
import { atSite } from './choose';
import { pointsUsd } from './cost';
import { cronDaily, cronMonthly, cronWeekly, cronYearly } from './intervals';
import type { Site } from './plan-document';
import type { BackupRule } from './plan-types';

/** In whole days. */
export interface RetentionInput {
  /** Every point that the objectives need. Continuous backup keeps at most 35 days of it. Default: 35. */
  readonly allDays?: number;
  /** The copies of those at the DR site. Default: as `allDays`. */
  readonly copyDays?: number;
  /** One point a day, a week (Sunday), a month (the first), a year (January the first); both sites. Default: none. */
  readonly dailyDays?: number;
  readonly weeklyDays?: number;
  readonly monthlyDays?: number;
  readonly yearlyDays?: number;
  /** When EFS points that are kept at least 90 days longer move to cold storage. Default: never. */
  readonly efsColdAfterDays?: number;
}

export interface Retention extends RetentionInput {
  readonly allDays: number;
  readonly copyDays: number;
}

/** Limits of a vault lock, in days; a job with a retention outside of them fails. */
export interface VaultLock {
  readonly minDays?: number;
  readonly maxDays?: number;
}

/** FACTS: AWS Backup keeps a continuous recovery point for 1 to 35 days; it is the default for all. */
export const MAX_CONTINUOUS_DAYS = 35;
/** FACTS: the longest retention that a vault lock can ask for. */
const MAX_DAYS = 36_500;
/** FACTS: delete at least 90 days after the move to cold storage. */
const COLD_DAYS = 90;

export const resolveRetention = (input: RetentionInput = {}): Retention => {
  const allDays = input.allDays ?? MAX_CONTINUOUS_DAYS;
  return { ...input, allDays, copyDays: input.copyDays ?? allDays };
};

/** FACTS: a lock minimum above 35 days makes continuous backup jobs fail. */
export const lockAllowsContinuous = (lock: VaultLock | undefined) => (lock?.minDays ?? 0) <= MAX_CONTINUOUS_DAYS;

/** What continuous backup keeps of a retention. */
export const continuousDays = ({ allDays }: Retention) => Math.min(allDays, MAX_CONTINUOUS_DAYS);

/** A tier of a retention: one point of each period is kept longer. */
interface Tier {
  readonly name: 'daily' | 'weekly' | 'monthly' | 'yearly';
  readonly key: 'dailyDays' | 'weeklyDays' | 'monthlyDays' | 'yearlyDays';
  /** Between two of its points. */
  readonly days: number;
  readonly schedule: (minutes: number) => string;
}

const TIERS: readonly Tier[] = [
  { name: 'daily', key: 'dailyDays', days: 1, schedule: cronDaily },
  { name: 'weekly', key: 'weeklyDays', days: 7, schedule: cronWeekly },
  { name: 'monthly', key: 'monthlyDays', days: 30, schedule: cronMonthly },
  { name: 'yearly', key: 'yearlyDays', days: 365, schedule: cronYearly },
];

/**
 * The base rule and a rule for each tier. A tier starts with a run of the base rule: where start windows of one backup plan
 * overlap, AWS Backup takes one backup, for the rule that keeps it longest, so that nothing is backed up twice and the
 * interval of the base rule holds. A base rule as frequent as the daily tier would never have a point of its own.
 */
export function tieredRules(base: BackupRule, tierMinutes: number, retention: Retention): BackupRule[] {
  const { intervalHours, ...rest } = base;
  const tiers = TIERS.flatMap(({ name, key, schedule }) => {
    const days = retention[key];
    if (days === undefined) return [];
    const rule: BackupRule = {
      ...rest,
      ...(name === 'daily' ? { intervalHours: 24 } : {}),
      name,
      scheduleExpression: schedule(tierMinutes),
      retentionDays: days,
      ...(base.copyRetentionDays === undefined ? {} : { copyRetentionDays: Math.max(days, base.copyRetentionDays) }),
    };
    return [rule];
  });
  return intervalHours === 24 && retention.dailyDays !== undefined ? tiers : [base, ...tiers];
}

/** Storing the points of the tiers. */
export const tiersUsd = (usdPerGib: number, sizeGib: number, retention: Retention) =>
  TIERS.reduce((total, { key, days }) => total + pointsUsd(usdPerGib, sizeGib, days * 24, retention[key] ?? 0), 0);

/** The same rules, those that keep a point long enough with their move to cold storage. */
export const withColdStorage = (rules: readonly BackupRule[], { efsColdAfterDays }: Retention): BackupRule[] =>
  rules.map((rule) => {
    const { retentionDays, copyRetentionDays = retentionDays } = rule;
    return efsColdAfterDays === undefined || Math.min(retentionDays, copyRetentionDays) < efsColdAfterDays + COLD_DAYS
      ? rule
      : { ...rule, coldAfterDays: efsColdAfterDays };
  });

/** What is wrong with the retention itself; nothing is. */
export function retentionProblems(retention: Retention, drillIntervalSeconds: number | undefined): string[] {
  const days = DAY_KEYS.flatMap((key) => {
    const value = retention[key];
    return value === undefined || (Number.isInteger(value) && value >= 1 && value <= MAX_DAYS)
      ? []
      : [`\`retention.${key}\` must be a whole number from 1 to ${MAX_DAYS}, got ${value}: AWS Backup's range`];
  });
  if (days.length > 0) return days;
  return [...tierProblems(retention), ...coldProblems(retention), ...drillProblems(retention, drillIntervalSeconds)];
}

const DAY_KEYS = [
  'allDays',
  'copyDays',
  'dailyDays',
  'weeklyDays',
  'monthlyDays',
  'yearlyDays',
  'efsColdAfterDays',
] as const;

/** A tier that keeps no longer than the one before it keeps nothing. */
function tierProblems(retention: Retention): string[] {
  const steps = (['allDays', ...TIERS.map(({ key }) => key)] as const).filter((key) => retention[key] !== undefined);
  return steps.slice(1).flatMap((key, index) => {
    const shorter = steps[index];
    return retention[key]! > retention[shorter]!
      ? []
      : [
          `\`retention.${key}\` must be more than \`retention.${shorter}\` (${retention[shorter]}), ` +
            `got ${retention[key]}: points are kept that long anyway; leave it out`,
        ];
  });
}

function coldProblems(retention: Retention): string[] {
  const { efsColdAfterDays } = retention;
  if (efsColdAfterDays === undefined) return [];
  const longest = Math.max(retention.allDays, ...TIERS.map(({ key }) => retention[key] ?? 0));
  return longest >= efsColdAfterDays + COLD_DAYS
    ? []
    : [
        `\`retention.efsColdAfterDays\` must be at most ${longest - COLD_DAYS}, got ${efsColdAfterDays}: AWS Backup keeps ` +
          `what is in cold storage at least ${COLD_DAYS} days, and no point is kept longer than ${longest}; leave it out`,
      ];
}

function drillProblems(retention: Retention, drillIntervalSeconds: number | undefined): string[] {
  const shortest = Math.min(retention.allDays, retention.copyDays);
  return drillIntervalSeconds === undefined || drillIntervalSeconds < shortest * 86_400
    ? []
    : [
        `the drill interval must be less than the shortest retention (${shortest} days), got ` +
          `${drillIntervalSeconds / 86_400} days: a damage that a drill finds is in every point by then; ` +
          'drill more often, or keep points longer',
      ];
}

/** Rules whose points the locks of their vaults do not take. */
export function lockProblems(
  component: string,
  rules: readonly BackupRule[],
  vaultLock: VaultLock | undefined,
  drVaultLock: VaultLock | undefined,
): string[] {
  const outside = (days: number, { minDays = 1, maxDays = MAX_DAYS }: VaultLock) => days < minDays || days > maxDays;
  const problem = (rule: BackupRule, days: number, lock: VaultLock, site: Site) =>
    `retention of ${component} (rule ${rule.name}) must be from ${lock.minDays ?? 1} to ${lock.maxDays ?? MAX_DAYS} days, ` +
    `the lock of the vault ${atSite(site)}, got ${days}: its jobs would fail; change the retention or the lock`;
  return rules.flatMap((rule) => [
    ...(vaultLock && outside(rule.retentionDays, vaultLock)
      ? [problem(rule, rule.retentionDays, vaultLock, 'in-region')]
      : []),
    ...(drVaultLock && rule.copyRetentionDays !== undefined && outside(rule.copyRetentionDays, drVaultLock)
      ? [problem(rule, rule.copyRetentionDays, drVaultLock, 'dr-site')]
      : []),
  ]);
}

/** What is wrong with the lock itself; nothing is. FACTS: minimum retention at least 1 day, maximum 36,500. */
export function vaultLockProblems(name: string, lock: VaultLock | undefined): string[] {
  if (lock === undefined) return [];
  const { minDays = 1, maxDays = MAX_DAYS } = lock;
  return Number.isInteger(minDays) &&
    Number.isInteger(maxDays) &&
    minDays >= 1 &&
    maxDays <= MAX_DAYS &&
    minDays <= maxDays
    ? []
    : [
        `\`${name}\` must be from at least 1 to at most ${MAX_DAYS} whole days, got ${minDays} to ${maxDays}: ` +
          'AWS Backup takes no other lock',
      ];
}
