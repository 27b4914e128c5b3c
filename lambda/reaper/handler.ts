import { BackupClient } from '@aws-sdk/client-backup';
import { ECSClient } from '@aws-sdk/client-ecs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import { SNSClient } from '@aws-sdk/client-sns';
import { createS3Client } from '../archive/s3-store';
import type { SweepEvent, SweepRecoveryDirectoriesEvent, SweepResult } from '../restore/contract';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import type { ReapResult } from './contract';
import { findReport } from './find-report';
import type { Leftover } from './leftover';
import { reap } from './reap';
import { deadTasks } from './tasks';
import { tell } from './tell';

const backup = new BackupClient({});
const ecs = new ECSClient({});
const lambda = new LambdaClient({});
const rds = new RDSClient({});
const s3 = createS3Client();
const sns = new SNSClient({});
const log = createLogger({ function: 'reaper' });

/** What it keeps of its time for telling what it removed: files of a large restore may take longer than one invocation. */
const TELLING_MS = 60_000;

export async function handler(
  _event: unknown,
  context: { readonly functionName: string; getRemainingTimeInMillis(): number },
): Promise<ReapResult> {
  const env = requireEnvironment([
    'SITE',
    'BUCKET',
    'RESTORE_FUNCTION',
    'ADOPT_FUNCTION',
    'RESTORE_ROLE_ARN',
    'DB_SUBNET_GROUP',
    'TOPIC_ARN',
    'TIMEOUT_SECONDS',
  ]);
  const site = env.SITE === 'in-region' ? 'in-region' : 'dr-site';
  // Where the site boots copies alone.
  const cluster = process.env['BOOT_CLUSTER'];
  const abortSignal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - TELLING_MS));
  const leftovers = await reap({
    rds,
    backup,
    sweepFolders: (startedBefore) => sweep(env.RESTORE_FUNCTION, { action: 'sweep', startedBefore }, abortSignal),
    sweepRecoveryDirectories: (before) =>
      sweep(env.ADOPT_FUNCTION, { action: 'sweep-recovery-directories', before }, abortSignal),
    deadTasks: (startedBefore) => (cluster ? deadTasks(ecs, cluster, startedBefore) : Promise.resolve([])),
    restoreRoleArn: env.RESTORE_ROLE_ARN,
    dbSubnetGroup: env.DB_SUBNET_GROUP,
    timeoutSeconds: Number(env.TIMEOUT_SECONDS),
    now: Date.now(),
  });
  log.info('reaped', { leftovers: leftovers.map(inWords) });
  const untold = await tell(leftovers, {
    site,
    bucket: env.BUCKET,
    functionName: context.functionName,
    sns,
    topicArn: env.TOPIC_ARN,
    findReport: (drillId) => findReport(s3, env.BUCKET, site, drillId),
  });
  const failures = [...leftovers.filter(({ fate }) => fate === 'failed').map(inWords), ...untold];
  if (failures.length > 0) throw new Error(`the reaper could not remove or tell everything: ${failures.join('; ')}`);
  return {
    removed: leftovers.filter(({ fate }) => fate === 'removed').map(inWords),
    waiting: leftovers.filter(({ fate }) => fate !== 'removed').map(inWords),
  };
}

const inWords = (leftover: Leftover) => ('why' in leftover ? `${leftover.what}: ${leftover.why}` : leftover.what);

async function sweep(
  functionName: string,
  event: SweepEvent | SweepRecoveryDirectoriesEvent,
  abortSignal: AbortSignal,
): Promise<SweepResult> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }),
    { abortSignal },
  );
  const answer = JSON.parse(Payload?.transformToString() || 'null') as SweepResult & { errorMessage?: string };
  if (FunctionError !== undefined) throw new Error(`${functionName}: ${answer?.errorMessage ?? FunctionError}`);
  return answer;
}
