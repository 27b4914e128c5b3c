import { BackupClient } from '@aws-sdk/client-backup';
import { ECSClient } from '@aws-sdk/client-ecs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SweepEvent, SweepRecoveryDirectoriesEvent, SweepResult } from '../restore/contract';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import type { ReapResult } from './contract';
import { reaperMessage } from './message';
import { reap } from './reap';
import { stopTasks } from './stop-tasks';

const backup = new BackupClient({});
const ecs = new ECSClient({});
const lambda = new LambdaClient({});
const rds = new RDSClient({});
const sns = new SNSClient({});
const log = createLogger({ function: 'reaper' });

export async function handler(): Promise<ReapResult> {
  const env = requireEnvironment([
    'RESTORE_FUNCTION',
    'ADOPT_FUNCTION',
    'RESTORE_ROLE_ARN',
    'DB_SUBNET_GROUP',
    'TOPIC_ARN',
    'TIMEOUT_SECONDS',
  ]);
  const { RESTORE_FUNCTION, ADOPT_FUNCTION, RESTORE_ROLE_ARN, DB_SUBNET_GROUP, TOPIC_ARN, TIMEOUT_SECONDS } = env;
  const result = await reap({
    rds,
    backup,
    sweepFolders: (startedBefore) => sweep(RESTORE_FUNCTION, { action: 'sweep', startedBefore }),
    sweepRecoveryDirectories: (before) => sweep(ADOPT_FUNCTION, { action: 'sweep-recovery-directories', before }),
    stopTasks: async (startedBefore, onStopped) => {
      // Where the site boots copies alone.
      const cluster = process.env['BOOT_CLUSTER'];
      if (cluster) await stopTasks(ecs, cluster, startedBefore, onStopped);
    },
    restoreRoleArn: RESTORE_ROLE_ARN,
    dbSubnetGroup: DB_SUBNET_GROUP,
    timeoutSeconds: Number(TIMEOUT_SECONDS),
    now: Date.now(),
  });
  log.info('reaped', { ...result });
  const message = reaperMessage(result);
  if (message) await sns.send(new PublishCommand({ TopicArn: TOPIC_ARN, ...message }));
  // Its alarm tells as long as it cannot.
  if (result.failed.length > 0) throw new Error(`the reaper could not remove everything: ${result.failed.join('; ')}`);
  return result;
}

async function sweep(functionName: string, event: SweepEvent | SweepRecoveryDirectoriesEvent): Promise<SweepResult> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
  );
  const answer = JSON.parse(Payload?.transformToString() || 'null') as SweepResult & { errorMessage?: string };
  if (FunctionError !== undefined) throw new Error(`${functionName}: ${answer?.errorMessage ?? FunctionError}`);
  return answer;
}
