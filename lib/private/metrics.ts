/** Namespace of every metric of this package (`docs/drill-report.md`); by it the functions are allowed to put them. */
export const METRIC_NAMESPACE = 'WSO2IS/Recovery';

/** What the watch of recovery points puts, by deployment and site; the ages by component too. */
export const RECOVERY_POINT_AGE = 'RecoveryPointAge';
export const COMPONENTS_SEEN = 'RecoveryComponentsSeen';
