/** How long a recovery takes: estimated from sizes and cautious rates, or what the last drill needed. */
import { assumedTerm, type PlanAssumptions, sumSeconds } from './assumptions';
import { atSite, objectiveAt, promiseAt, SITES, type SiteObjectives } from './choose';
import { formatDuration } from './duration';
import type { PlanLine, PlanTerm, RecoveryTime, Site } from './plan-document';
import {
  ALL_TOGETHER,
  type DatabaseInput,
  type InfeasibleObjective,
  type MeasuredRecovery,
  type VolumeInput,
} from './plan-types';
import { DEFAULT_DATABASE_GIB, DEFAULT_FILES, DEFAULT_VOLUME_GIB } from './sizes';

/** A component with the terms of restoring it from a technique. */
export interface Restorable {
  readonly component: string;
  readonly lines: readonly PlanLine[];
  readonly terms: (technique: PlanLine['technique']) => readonly PlanTerm[];
}

export const restorableDatabase = (
  { name, sizeGib = DEFAULT_DATABASE_GIB }: DatabaseInput,
  lines: readonly PlanLine[],
  assumptions: PlanAssumptions,
): Restorable => ({
  component: name,
  lines,
  terms: (technique) =>
    technique === 'aurora-global-database'
      ? [assumedTerm('failover', 'globalDatabaseFailoverSeconds', assumptions)]
      : [
          assumedTerm('new server', 'databaseCreationSeconds', assumptions),
          assumedTerm(
            'restore',
            'databaseRestoreSecondsPerGib',
            assumptions,
            Math.ceil(sizeGib * assumptions.databaseRestoreSecondsPerGib),
          ),
        ],
});

/** Files are written one by one, so their number counts or their bytes, whichever takes longer. */
export const restorableVolume = (
  { name, sizeGib = DEFAULT_VOLUME_GIB, files = DEFAULT_FILES }: VolumeInput,
  lines: readonly PlanLine[],
  assumptions: PlanAssumptions,
): Restorable => {
  const byFiles = Math.ceil(files / assumptions.filesRestoredPerSecond);
  const byBytes = Math.ceil((sizeGib * 1024) / assumptions.mebibytesRestoredPerSecond);
  return {
    component: name,
    lines,
    terms: () => [
      byFiles > byBytes
        ? assumedTerm('restore', 'filesRestoredPerSecond', assumptions, byFiles)
        : assumedTerm('restore', 'mebibytesRestoredPerSecond', assumptions, byBytes),
    ],
  };
};

/** Components are restored side by side and then checked, so the slowest counts. Drills measure the DR site. */
export function recoveryTimes(
  restorables: readonly Restorable[],
  assumptions: PlanAssumptions,
  measured: readonly MeasuredRecovery[],
): RecoveryTime[] {
  return SITES.flatMap((site) => {
    const found = (component: string) =>
      site === 'dr-site' ? measured.find((candidate) => candidate.component === component) : undefined;
    const each = restorables.flatMap(({ component, lines, terms }) => {
      const promise = promiseAt(site, lines);
      if (promise === undefined) return [];
      return [measuredTime(site, found(component)) ?? timeOf(component, site, 'estimate', terms(promise.technique))];
    });
    // What cannot be recovered as a whole takes no time.
    if (each.length < restorables.length) return each;
    const together =
      measuredTime(site, found(ALL_TOGETHER)) ??
      timeOf(ALL_TOGETHER, site, 'estimate', [
        ...each.reduce((slowest, time) => (time.seconds > slowest.seconds ? time : slowest), NOTHING).terms,
        assumedTerm('checks', 'checksSeconds', assumptions),
      ]);
    return [...each, together];
  });
}

const NOTHING: Pick<RecoveryTime, 'seconds' | 'terms'> = { seconds: 0, terms: [] };

const timeOf = (
  component: string,
  site: Site,
  basis: RecoveryTime['basis'],
  terms: readonly PlanTerm[],
): RecoveryTime => ({ component, site, basis, seconds: sumSeconds(terms), terms });

const measuredTime = (site: Site, measured: MeasuredRecovery | undefined) =>
  measured &&
  timeOf(measured.component, site, 'measured', [
    { name: 'recovery', seconds: measured.rtoSeconds, source: `last measured drill: ${measured.drill}` },
  ]);

/** An estimate is no proof, so it warns; what a drill measured is one. */
export function estimatedTooSlow(time: RecoveryTime, objectives: SiteObjectives): string[] {
  const { rtoSeconds } = objectiveAt(time.site, objectives);
  if (time.basis !== 'estimate' || time.component !== ALL_TOGETHER || time.seconds <= rtoSeconds) return [];
  return [
    `a recovery ${atSite(time.site)} is estimated to take ${formatDuration(time.seconds)}, the RTO is ` +
      `${formatDuration(rtoSeconds)}: run a drill to know, or relax the RTO`,
  ];
}

export function measuredTooSlow(time: RecoveryTime, objectives: SiteObjectives): InfeasibleObjective[] {
  const { rtoSeconds } = objectiveAt(time.site, objectives);
  if (time.basis !== 'measured' || time.seconds <= rtoSeconds) return [];
  return [
    {
      component: time.component,
      site: time.site,
      objective: 'rto',
      objectiveSeconds: rtoSeconds,
      nearestFeasibleSeconds: Math.ceil(time.seconds),
      reason: `${time.terms.map(({ source }) => source).join(', ')}: ${formatDuration(Math.ceil(time.seconds))}`,
      remedies: [],
    },
  ];
}
