import type { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Site } from '../planning/plan-document';
import { COMPONENTS_SEEN, METRIC_NAMESPACE, RECOVERY_POINT_AGE } from '../private/metrics';

/** Age of the newest state that a component can be restored to at a site; the oldest within the period. */
export const recoveryPointAge = (deployment: string, site: Site, component: string, options: MetricOptions) =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: RECOVERY_POINT_AGE,
    dimensionsMap: { Deployment: deployment, Site: site, Component: component },
    statistic: Stats.MAXIMUM,
    ...options,
  });

/** Of how many components the watch could see the recovery points. */
export const componentsSeen = (deployment: string, site: Site, period: Duration) =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: COMPONENTS_SEEN,
    dimensionsMap: { Deployment: deployment, Site: site },
    statistic: Stats.MAXIMUM,
    period,
  });

/**
 * How often is looked, in minutes. Each look costs: every minute about 2 USD a month in a Region (Lambda 43,200 times 2 s of
 * 512 MB: 0.60 USD; PutMetricData: 0.43 USD; S3 lists of an archive of some thousand objects: 1 USD), every five a fifth of
 * it. So it is every minute only where five of them would be more than a sixth of the objective.
 */
export const watchIntervalMinutes = (rpoSeconds: number): 1 | 5 => (rpoSeconds < 30 * 60 ? 1 : 5);
