import {
  type BackupClient,
  DescribeRestoreJobCommand,
  PutRestoreValidationResultCommand,
  RestoreValidationStatus,
} from '@aws-sdk/client-backup';
import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, type RDSClient } from '@aws-sdk/client-rds';
import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { DatabaseEntry, RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { PLANS_PREFIX } from '../../lib/private/bucket-layout';
import type { CheckEvent, CheckResult } from '../check/contract';
import { readPlan } from '../drill/read-plan';
import { secretAt } from '../drill/secret-at';
import type { Logger } from '../shared/log';
import type { RestoreJobDetail, RestoreTestEvent, RestoreTestResult, RestoreTestVerdict } from './contract';
import { CHECKS_OF_A_DATABASE, failed, verdictOf } from './verdict';

export interface Surroundings {
  readonly backup: BackupClient;
  readonly rds: RDSClient;
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
  readonly sns: SNSClient;
  readonly bucket: string;
  readonly checkFunction: string;
  readonly topicArn: string;
  /** Until this function is ended. */
  readonly remainingMs: () => number;
  readonly log: Logger;
}

/** AWS documents no length; a topic takes 256 KiB, and people read a sentence or two. */
const LONGEST_MESSAGE = 1000;

/** What is kept of this function's time to put the verdict and tell it: the check function may take as long as this one has in all. */
const KEPT_MS = 60_000;

/**
 * Says of a restore test whether what it made works: whatever goes wrong on the way is FAILED. People are told of a failure, also where the
 * restore itself failed.
 *
 * @throws what AWS throws when the verdict is put or told: then the event is tried again, and the restore job ends TIMED_OUT, which is no success
 */
export async function validate(event: RestoreTestEvent, surroundings: Surroundings): Promise<RestoreTestResult> {
  const { backup, sns, topicArn, log } = surroundings;
  const { detail, region } = event;
  const { restoreJobId, status, statusMessage } = detail;
  if (typeof restoreJobId !== 'string' || typeof detail.restoreTestingPlanArn !== 'string') {
    throw new Error(`the event must be of the restore job of a restore testing plan, got ${JSON.stringify(event)}`);
  }
  const completed = status === 'COMPLETED';
  const verdict = completed
    ? await check(detail, region, surroundings).catch((error: Error) => failed(`${error.name}: ${error.message}`))
    : failed(`the restore ended ${status}${statusMessage ? `: ${statusMessage}` : ''}`);
  log.info('restore test', { restoreJobId, ...verdict });
  // Each is tried whatever becomes of the other: AWS Backup takes a verdict once, and a second try would end there.
  const said = await Promise.allSettled([
    completed &&
      backup.send(
        new PutRestoreValidationResultCommand({
          RestoreJobId: restoreJobId,
          ValidationStatus: RestoreValidationStatus[verdict.status],
          ValidationStatusMessage: verdict.reason.slice(0, LONGEST_MESSAGE),
        }),
      ),
    verdict.status === 'FAILED' &&
      sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          // SNS takes up to 100 characters, ASCII.
          Subject: `Restore test FAILED: ${detail.sourceResourceArn?.split(':').at(-1) ?? restoreJobId}`.slice(0, 100),
          Message: messageOf(detail, verdict),
        }),
      ),
  ]);
  for (const each of said) if (each.status === 'rejected') throw each.reason as Error;
  return { restoreJobId, ...verdict };
}

async function check(
  { restoreJobId, sourceResourceArn, createdResourceArn = '' }: RestoreJobDetail,
  region: string,
  surroundings: Surroundings,
): Promise<RestoreTestVerdict> {
  const { backup, rds, s3, bucket } = surroundings;
  const found = await databaseOf(sourceResourceArn, bucket, s3);
  if (found === undefined) return failed(`no deployment of this site protects ${sourceResourceArn}`);
  const { plan, database } = found;
  const identifier = /^arn:[^:]+:rds:[^:]+:[^:]+:db:(.+)$/.exec(createdResourceArn)?.[1];
  if (identifier === undefined)
    return failed(`${createdResourceArn} is no DB instance: drills check what else there is`);
  const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
  const { Address: host, Port: port } = DBInstances?.[0]?.Endpoint ?? {};
  if (host === undefined || port === undefined) return failed(`the DB instance ${identifier} has no endpoint`);
  const { RecoveryPointCreationDate: moment } = await backup.send(
    new DescribeRestoreJobCommand({ RestoreJobId: restoreJobId }),
  );
  const event: CheckEvent = {
    // No folder of a drill is called so: there are no files beside the database.
    drillId: `restore-test-${restoreJobId}`,
    deployment: plan.deployment,
    databases: [
      {
        name: database.name,
        host,
        port,
        secretArn: secretAt(database, region, plan),
        datasources: database.datasources,
        ...(moment && { moment: moment.toISOString() }),
      },
    ],
    volumes: [],
    plannedDatasources: [],
    restoreDependencies: plan.restoreDependencies,
    only: CHECKS_OF_A_DATABASE,
  };
  const { FunctionError, Payload } = await invokeCheck(event, surroundings);
  const answer = JSON.parse(Payload?.transformToString() || 'null') as
    (Partial<CheckResult> & { readonly errorMessage?: string }) | null;
  if (FunctionError !== undefined) return failed(`the check function failed: ${answer?.errorMessage ?? FunctionError}`);
  return verdictOf(answer?.checks, database.datasources.length);
}

/** @throws where it does not answer while a verdict can still be put */
export async function invokeCheck(
  event: CheckEvent,
  { lambda, checkFunction, remainingMs }: Pick<Surroundings, 'lambda' | 'checkFunction' | 'remainingMs'>,
): Promise<InvokeCommandOutput> {
  const abortSignal = AbortSignal.timeout(Math.max(0, remainingMs() - KEPT_MS));
  try {
    return await lambda.send(new InvokeCommand({ FunctionName: checkFunction, Payload: JSON.stringify(event) }), {
      abortSignal,
    });
  } catch (error) {
    if (!abortSignal.aborted) throw error;
    throw new Error('the check function gave no answer in the time that there is for it', { cause: error });
  }
}

/** Which deployment's it is. Plans that cannot be read are another function's matter, unless none of the others has it. */
async function databaseOf(
  resourceArn: string | undefined,
  bucket: string,
  s3: S3Client,
): Promise<{ readonly plan: RecoveryPlanDocument; readonly database: DatabaseEntry } | undefined> {
  let unread: unknown;
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: PLANS_PREFIX });
  for await (const { Contents = [] } of pages) {
    for (const { Key = '' } of Contents) {
      const deployment = /^([^/]+)\.json$/.exec(Key.slice(PLANS_PREFIX.length))?.[1];
      if (deployment === undefined) continue;
      try {
        const plan = await readPlan(deployment, bucket, s3);
        const database = plan.databases.find((each) => each.resourceArn === resourceArn);
        if (database) return { plan, database };
      } catch (error) {
        unread = error;
      }
    }
  }
  if (unread !== undefined) throw unread as Error;
  return undefined;
}

const messageOf = (
  { restoreJobId, restoreTestingPlanArn, sourceResourceArn, recoveryPointArn, createdResourceArn }: RestoreJobDetail,
  { reason }: RestoreTestVerdict,
) =>
  [
    `A restore test of AWS Backup failed: ${reason}.`,
    '',
    'What it restored may not be what you need on the day: run a drill (wso2is-recovery drill), which looks at all of it, and see what it says of this component.',
    '',
    ...Object.entries({
      Source: sourceResourceArn,
      'Recovery point': recoveryPointArn,
      Restored: createdResourceArn,
      'Restore job': restoreJobId,
      Plan: restoreTestingPlanArn,
    }).flatMap(([what, value]) => (value === undefined ? [] : [`${what}: ${value}`])),
    '',
  ].join('\n');
