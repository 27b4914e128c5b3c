/** Namespace of every metric of this package (`docs/drill-report.md`); by it the functions are allowed to put them. */
export const METRIC_NAMESPACE = 'WSO2IS/Recovery';
