import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_NAMESPACE } from '../private/metrics';

/** A metric of the exports of one volume, in the primary Region. The largest within the period. */
export const exportMetric = (name: string, deployment: string, volume: string, options: MetricOptions) =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: { Deployment: deployment, Component: volume },
    statistic: Stats.MAXIMUM,
    ...options,
  });
