/** What can protect a volume, and what does. */
import { type Candidate, choose, withPurpose } from './choose';
import { PlanInputError } from './errors';
import { cronEvery, EXPORT_INTERVAL_MINUTES } from './intervals';
import { expiresTooSoon, expiryProblem, periodicIntervals, type PlanContext } from './plan-database';
import type { PlanLine } from './plan-document';
import type { VolumeInput, VolumeProtection } from './plan-types';
import { noStagger } from './rds-windows';
import { tieredRules, withColdStorage } from './retention';
import { DEFAULT_VOLUME_GIB } from './sizes';
import { exportLine, replicatedExportLine } from './techniques/artifact-export';
import { copyLine } from './techniques/backup-copy';
import { type Periodic, snapshotLine, snapshotRule } from './techniques/backup-snapshot';
import { efsReplicationLine } from './techniques/efs-replication';

/**
 * AWS Backup of the file system is always there: daily, as a second copy that shares nothing with the export, for the day
 * the export is what failed. The export is there unless it is not wanted: it alone gives back, compares and drills single
 * files. In order of preference among equals: few techniques and long intervals first.
 */
export function volumeCandidates(
  volume: VolumeInput,
  context: Omit<PlanContext, 'objectives'>,
): Candidate<VolumeProtection>[] {
  const { without = [] } = volume;
  const replications = without.includes('efs-replication') || context.siteInOtherAccount ? [false] : [false, true];
  return replications.flatMap((replicated) =>
    without.includes('artifact-export') ? backedUp(volume, context, replicated) : exported(volume, context, replicated),
  );
}

/** @throws PlanInputError if no schedule has a point left at any time, since it expires before the next one is usable */
export function planVolume(volume: VolumeInput, context: PlanContext) {
  const candidates = volumeCandidates(volume, context);
  if (candidates.length === 0) throw new PlanInputError(expiryProblem(volume.name, context.retention));
  const { lines, protection } = choose(candidates, context.objectives);
  return { lines: withPurpose(lines), protection, candidates, warnings: [] };
}

/** Exports carry the promise; AWS Backup is daily and stays in its Region, since the DR site has the replicated exports. */
function exported(volume: VolumeInput, context: Omit<PlanContext, 'objectives'>, replicated: boolean) {
  const { assumptions, retention } = context;
  const exportedVolume = periodicOf(volume);
  const { component, sizeGib } = exportedVolume;
  const daily = backup(volume, context, { intervalHours: 24, copied: false });
  return [...EXPORT_INTERVAL_MINUTES].reverse().flatMap((intervalMinutes) =>
    daily.map(({ lines, rules }) => ({
      lines: [
        exportLine(exportedVolume, intervalMinutes, assumptions, retention),
        ...lines,
        replicatedExportLine(exportedVolume, intervalMinutes, assumptions, retention),
        ...(replicated ? [efsReplicationLine(component, sizeGib, assumptions)] : []),
      ],
      protection: {
        name: component,
        rules,
        export: { intervalMinutes, scheduleExpression: cronEvery(intervalMinutes) },
        replicated,
      },
    })),
  );
}

/** AWS Backup and its copies carry the promise. */
function backedUp(volume: VolumeInput, context: Omit<PlanContext, 'objectives'>, replicated: boolean) {
  const { component, sizeGib } = periodicOf(volume);
  return periodicIntervals(context.assumptions, false).flatMap((intervalHours) =>
    backup(volume, context, { intervalHours, copied: true }).map(({ lines, rules }) => ({
      lines: [...lines, ...(replicated ? [efsReplicationLine(component, sizeGib, context.assumptions)] : [])],
      protection: { name: component, rules, replicated },
    })),
  );
}

/** FACTS: EFS has no continuous backup, and no window that makes its jobs fail. None where points expire too soon. */
function backup(
  volume: VolumeInput,
  { assumptions, retention }: Omit<PlanContext, 'objectives'>,
  { intervalHours, copied }: { readonly intervalHours: number; readonly copied: boolean },
) {
  const periodic = periodicOf(volume);
  const schedule = { intervalHours, ...noStagger(intervalHours * 60) };
  const local = snapshotLine(periodic, schedule, assumptions, retention);
  const lines: PlanLine[] = [local, ...(copied ? [copyLine(periodic, schedule, assumptions, retention)] : [])];
  const tooSoon = lines.some(({ site, worstCaseSeconds }) =>
    expiresTooSoon(worstCaseSeconds, site === 'in-region' ? retention.allDays : retention.copyDays),
  );
  if (tooSoon) return [];
  const rules = tieredRules(snapshotRule(schedule, assumptions, retention, copied), 0, retention);
  return [{ lines, rules: withColdStorage(rules, retention) }];
}

const periodicOf = ({ name, sizeGib = DEFAULT_VOLUME_GIB }: VolumeInput): Periodic => ({
  component: name,
  sizeGib,
  storage: 'efs-backup',
});
