import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_NAMESPACE, RECOVERY_DRIFT } from '../private/metrics';

/** How many things are not as they were deployed; the most within the period. */
export const driftMetric = (deployment: string, options: MetricOptions) =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: RECOVERY_DRIFT,
    dimensionsMap: { Deployment: deployment },
    statistic: Stats.MAXIMUM,
    ...options,
  });
