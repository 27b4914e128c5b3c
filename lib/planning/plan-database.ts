/** What can protect a database, and what does. */
import type { PlanAssumptions } from './assumptions';
import { type Candidate, choose, type SiteObjectives, withPurpose } from './choose';
import { START_WINDOW_MINUTES } from './backup-windows';
import { PlanInputError } from './errors';
import { BACKUP_INTERVAL_HOURS } from './intervals';
import type { DatabaseInput, DatabaseProtection } from './plan-types';
import { areKnown, noStagger, stagger } from './rds-windows';
import { continuousDays, lockAllowsContinuous, type Retention, tieredRules, type VaultLock } from './retention';
import { DEFAULT_DATABASE_GIB } from './sizes';
import { globalDatabaseLine } from './techniques/aurora-global-database';
import { continuousLine, continuousRule, supportsContinuous } from './techniques/backup-continuous';
import { COPY_WAIT_SECONDS, copyLine, supportsCopy } from './techniques/backup-copy';
import { type Periodic, type Schedule, snapshotLine, snapshotRule } from './techniques/backup-snapshot';
import {
  automatedBackupReplicationLine,
  supportsAutomatedBackupReplication,
} from './techniques/rds-automated-backup-replication';

/** What a plan is made with, besides the component. */
export interface PlanContext {
  readonly objectives: SiteObjectives;
  readonly assumptions: PlanAssumptions;
  readonly retention: Retention;
  readonly vaultLock?: VaultLock;
  /** Then what RDS and EFS replicate, which stays in its account, is no technique for the DR site. */
  readonly siteInOtherAccount?: boolean;
}

/** In order of preference among equals: few techniques and long intervals first. */
export function databaseCandidates(
  database: DatabaseInput,
  context: Omit<PlanContext, 'objectives'>,
): Candidate<DatabaseProtection>[] {
  const { assumptions, retention } = context;
  const { kind, without = [] } = database;
  const periodic: Periodic = {
    component: database.name,
    sizeGib: database.sizeGib ?? DEFAULT_DATABASE_GIB,
    storage: kind,
  };
  const canContinue =
    supportsContinuous(kind) && lockAllowsContinuous(context.vaultLock) && !without.includes('backup-continuous');
  const canReplicate =
    supportsAutomatedBackupReplication(kind) &&
    !context.siteInOtherAccount &&
    database.automatedBackups !== false &&
    !without.includes('rds-automated-backup-replication');
  // RDS replicates automated backups that are on; continuous backup keeps them on.
  const combinations = [
    { continuous: false, replicated: false },
    ...(canContinue ? [{ continuous: true, replicated: false }] : []),
    ...(canContinue && canReplicate ? [{ continuous: true, replicated: true }] : []),
  ];
  return combinations.flatMap(({ continuous, replicated }) =>
    schedules(database, assumptions, continuous).flatMap((schedule) => {
      const local = snapshotLine(periodic, schedule, assumptions, retention);
      const copied = supportsCopy(kind);
      const copies = copied ? [copyLine(periodic, schedule, assumptions, retention)] : [];
      if (expiresTooSoon(local.worstCaseSeconds, retention.allDays)) return [];
      if (copies.some(({ worstCaseSeconds }) => expiresTooSoon(worstCaseSeconds, retention.copyDays))) return [];
      return [
        {
          lines: [
            local,
            ...(continuous ? [continuousLine(periodic, retention)] : []),
            ...copies,
            ...(replicated ? [automatedBackupReplicationLine(periodic, assumptions, retention)] : []),
            ...(database.globalDatabase && !context.siteInOtherAccount
              ? [globalDatabaseLine(database.name, assumptions)]
              : []),
          ],
          protection: {
            name: database.name,
            rules: tieredRules(
              snapshotRule(schedule, assumptions, retention, copied),
              schedule.safeMinutes ?? schedule.offsetMinutes,
              retention,
            ),
            ...(continuous ? { continuous: continuousRule(assumptions, retention) } : {}),
            ...(replicated ? { automatedBackupReplication: { retentionDays: continuousDays(retention) } } : {}),
          },
        },
      ];
    }),
  );
}

/** @throws PlanInputError if no schedule has a point left at any time, since it expires before the next one is usable */
export function planDatabase(database: DatabaseInput, context: PlanContext) {
  const candidates = databaseCandidates(database, context);
  if (candidates.length === 0) throw new PlanInputError(expiryProblem(database.name, context.retention));
  const { lines, protection } = choose(candidates, context.objectives);
  return { lines: withPurpose(lines), protection, candidates, warnings: windowWarnings(database, protection) };
}

/** A point that expires before its successor is usable leaves nothing. */
export const expiresTooSoon = (worstCaseSeconds: number, retentionDays: number) =>
  worstCaseSeconds > retentionDays * 86_400;

export const expiryProblem = (component: string, { allDays, copyDays }: Retention) =>
  `\`retention\` of ${component} must be longer than the age that its newest point may reach, got ${allDays} days in the ` +
  `Region and ${copyDays} at the DR site: points would expire before the next one is usable; keep them longer`;

/**
 * Intervals at which no job makes another wait too long, since one resource has one backup job and one copy job at a time:
 * a run that cannot start within its start window is EXPIRED, a copy that cannot for 2 h fails. So all backup jobs between
 * two runs fit between them, the daily one of continuous backup too; and a copy fits behind one that began as late as it may.
 */
export function periodicIntervals({ backupJobSeconds, copyJobSeconds }: PlanAssumptions, continuous: boolean) {
  const behindCopy = START_WINDOW_MINUTES * 60 + backupJobSeconds + copyJobSeconds - COPY_WAIT_SECONDS;
  const shortest = Math.max(continuous ? 2 * backupJobSeconds : backupJobSeconds, copyJobSeconds, behindCopy);
  return BACKUP_INTERVAL_HOURS.filter((hours) => hours * 3600 >= shortest).toReversed();
}

function schedules(database: DatabaseInput, assumptions: PlanAssumptions, continuous: boolean): Schedule[] {
  return periodicIntervals(assumptions, continuous)
    .map((intervalHours) => ({
      intervalHours,
      ...(isExempt(database) || continuous ? noStagger : stagger)(intervalHours * 60, database),
    }))
    .filter(({ gapMinutes }) => Number.isFinite(gapMinutes));
}

/** FACTS: Aurora is exempt from what its windows do to snapshot jobs of RDS. */
const isExempt = ({ kind }: DatabaseInput) => kind === 'aurora-cluster';

function windowWarnings(database: DatabaseInput, { name, continuous, rules }: DatabaseProtection): string[] {
  if (isExempt(database) || continuous || areKnown(database)) return [];
  const tiers = rules.filter((rule) => rule.name !== 'snapshot').map((rule) => rule.name);
  return [
    `${name}: its maintenance and backup windows are not known, and RDS snapshot jobs fail in them: the worst case ` +
      'counts the runs that may be lost where both are 30 minutes long, as RDS makes them' +
      (tiers.length > 0 ? `, and the ${tiers.join(' and ')} points may be among them` : '') +
      '; give both windows, and the schedule keeps away from them',
  ];
}
