import * as iam from 'aws-cdk-lib/aws-iam';
import { METRIC_NAMESPACE } from '../private/metrics';

/** CloudWatch knows no resource for metrics; the namespace narrows it. */
export const mayPutMetrics = () =>
  new iam.PolicyStatement({
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': METRIC_NAMESPACE } },
  });
