import { LambdaClient } from '@aws-sdk/client-lambda';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { requireEnvironment } from '../shared/environment';
import { exportArtifacts } from './export-artifacts';
import { listRuns } from './other-run';

const lambda = new LambdaClient({});

export const handler = withDurableExecution((event: unknown, context) => {
  const environment = requireEnvironment(['TURN_FUNCTION', 'AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_VERSION']);
  const { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_VERSION: version } = environment;
  return exportArtifacts(event, context, {
    turnFunction: environment.TURN_FUNCTION,
    runs: () => listRuns(lambda, name, version),
  });
});
