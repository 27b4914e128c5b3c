import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_NAMESPACE } from '../private/metrics';

/** A metric of drills in their Region; with a component, that of the component alone. The largest within the period. */
export const drillMetric = (name: string, deployment: string, options: MetricOptions, component?: string) =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: { Deployment: deployment, ...(component === undefined ? {} : { Component: component }) },
    statistic: Stats.MAXIMUM,
    ...options,
  });
