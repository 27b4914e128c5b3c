import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { METRIC_NAMESPACE } from '../../lib/private/metrics';
import { requireEnvironment } from '../shared/environment';
import { authenticatorOf } from '../shared/kms-authenticator';
import { exportArtifacts } from './export-artifacts';
import { listRuns } from './other-run';

const lambda = new LambdaClient({});
const cloudWatch = new CloudWatchClient({});
const authenticator = authenticatorOf(process.env, () => new KMSClient({}));

export const handler = withDurableExecution((event: unknown, context) => {
  const environment = requireEnvironment([
    'DEPLOYMENT',
    'VOLUME',
    'TURN_FUNCTION',
    'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION',
  ]);
  const { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_VERSION: version } = environment;
  return exportArtifacts(event, context, {
    turnFunction: environment.TURN_FUNCTION,
    runs: () => listRuns(lambda, name, version),
    putMetrics: async (MetricData) => {
      await cloudWatch.send(new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData }));
    },
    signer: authenticator && {
      authenticator,
      archive: archivePrefix(environment.DEPLOYMENT, environment.VOLUME),
    },
  });
});
