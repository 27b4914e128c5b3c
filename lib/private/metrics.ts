import type { Site } from '../planning/plan-document';

/** Namespace of every metric of this package (`docs/operations.md`); by it the functions are allowed to put them. */
export const METRIC_NAMESPACE = 'WSO2IS/Recovery';

/** What the watch of recovery points puts, by deployment and site; the ages by component too. */
export const RECOVERY_POINT_AGE = 'RecoveryPointAge';
export const COMPONENTS_SEEN = 'RecoveryComponentsSeen';

/** What an export puts that made its point, by deployment and component. */
export const EXPORT_METRICS = {
  duration: 'ExportDuration',
  files: 'ExportFiles',
  bytes: 'ExportBytes',
  changed: 'ExportChanged',
  skipped: 'ExportSkipped',
  suspicious: 'ExportSuspicious',
} as const;

/** What a drill puts, by deployment; `rpo` and `rto` by component too. */
export const DRILL_METRICS = {
  passed: 'DrillPassed',
  duration: 'DrillDuration',
  rpo: 'MeasuredRpo',
  rto: 'MeasuredRto',
} as const;

/** What the watch of drills puts, by deployment. */
export const DRILL_OVERDUE = 'DrillOverdue';
export const DRILL_AGE = 'DrillAge';

/** Of the metrics of the watch over drills: those of the primary Region are told from those of the DR site. */
export const watchDimensions = (deployment: string, site: Site): Readonly<Record<string, string>> => ({
  Deployment: deployment,
  ...(site === 'in-region' && { Site: site }),
});

/** What the watch of drift puts, by deployment. */
export const RECOVERY_DRIFT = 'RecoveryDrift';
