import type { Site } from '../planning/plan-document';

/** Namespace of every metric of this package (`docs/drill-report.md`); by it the functions are allowed to put them. */
export const METRIC_NAMESPACE = 'WSO2IS/Recovery';

/** What the watch of recovery points puts, by deployment and site; the ages by component too. */
export const RECOVERY_POINT_AGE = 'RecoveryPointAge';
export const COMPONENTS_SEEN = 'RecoveryComponentsSeen';

/** Of the metrics of the watch over drills: those of the primary Region are told from those of the DR site. */
export const watchDimensions = (deployment: string, site: Site): Readonly<Record<string, string>> => ({
  Deployment: deployment,
  ...(site === 'in-region' && { Site: site }),
});
