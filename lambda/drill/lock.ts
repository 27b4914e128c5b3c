/**
 * Only one drill of a deployment at a time: two at once would meet each other's quotas and measure each other's load.
 *
 * The lock is an object in the site's bucket, written on condition (S3 `If-None-Match` and `If-Match`), so that of two drills
 * that start together one has it. It names the execution that holds it: a drill that was stopped, timed out or crashed for
 * good does not hold it any longer, since its execution does not run any longer.
 */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetDurableExecutionCommand } from '@aws-sdk/client-lambda';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { drillLockKey } from '../../lib/private/bucket-layout';
import type { DrillRefusal } from './contract';
import { describeError, DrillError, isNamed, Journal } from './steps';
import type { Surroundings } from './surroundings';

/** None of the two: the lock is held, or there is none to hold. */
export interface Lock {
  /** Another drill runs. */
  readonly heldBy?: Holder;
  /** It could not be found out. */
  readonly failure?: string;
}

/** What the object says. */
export interface Holder {
  readonly drillId: string;
  readonly executionArn: string;
  readonly startedAt: string;
  /** Lambda has ended the execution by then. */
  readonly expiresAt: string;
  /** The drill went to its end. */
  readonly released?: boolean;
}

/** How often another one may come in between; it takes one to lose, and a stale lock to take over. */
const MAX_TRIES = 5;

/** Never throws. */
export async function acquireLock(
  context: DurableContext,
  surroundings: Surroundings,
  executionArn: string,
  startedAt: string,
): Promise<Lock> {
  const { aws, settings, drillId } = surroundings;
  const own: Holder = {
    drillId,
    executionArn,
    startedAt,
    expiresAt: new Date(Date.parse(startedAt) + settings.timeoutSeconds * 1000).toISOString(),
  };
  try {
    const heldBy = await new Journal(aws.clock).step(context, 'acquire lock', async () => {
      for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
        const found = await read(surroundings);
        if (found !== undefined) {
          // Asked again after a crash before the checkpoint.
          if (found.holder.drillId === drillId) return null;
          if (await isHeld(surroundings, found.holder)) return found.holder;
        }
        if (await write(surroundings, own, found?.etag)) return null;
      }
      throw new DrillError(
        `the lock ${drillLockKey(surroundings.deployment, surroundings.settings.site)} was written by others ${MAX_TRIES} times`,
      );
    });
    return heldBy === null ? {} : { heldBy };
  } catch (error) {
    return { failure: describeError(error) };
  }
}

/** Lets the next drill begin at once. Never throws: a lock that stays is not held once this execution has ended. */
export async function releaseLock(
  context: DurableContext,
  surroundings: Surroundings,
  { heldBy, failure }: Lock,
): Promise<void> {
  if (surroundings.mode !== 'drill' || heldBy !== undefined || failure !== undefined) return;
  try {
    await new Journal(surroundings.aws.clock).step(context, 'release lock', async () => {
      const found = await read(surroundings);
      if (found?.holder.drillId !== surroundings.drillId) return null;
      await write(surroundings, { ...found.holder, released: true }, found.etag);
      return null;
    });
  } catch {
    // See above.
  }
}

export function refusal({ settings, deployment }: Surroundings, { drillId, startedAt }: Holder): DrillRefusal {
  return {
    outcome: 'REFUSED',
    deployment,
    region: settings.region,
    reason:
      `drill ${drillId} of ${deployment} runs since ${startedAt}, and only one may run at a time: wait for its end; ` +
      'a recovery can be started beside it',
    running: { drillId, startedAt },
  };
}

async function read({ aws, settings, deployment }: Surroundings) {
  try {
    const { Body, ETag } = await aws.s3.send(
      new GetObjectCommand({ Bucket: settings.bucket, Key: drillLockKey(deployment, settings.site) }),
    );
    return { etag: ETag, holder: JSON.parse((await Body?.transformToString()) ?? '') as Holder };
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return undefined;
    throw error;
  }
}

/** False: somebody else wrote it meanwhile. */
async function write({ aws, settings, deployment }: Surroundings, holder: Holder, etag: string | undefined) {
  try {
    await aws.s3.send(
      new PutObjectCommand({
        Bucket: settings.bucket,
        Key: drillLockKey(deployment, settings.site),
        Body: `${JSON.stringify(holder)}\n`,
        ContentType: 'application/json',
        ...(etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }),
      }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'PreconditionFailed') || isNamed(error, 'ConditionalRequestConflict')) return false;
    throw error;
  }
}

async function isHeld({ aws }: Surroundings, holder: Holder): Promise<boolean> {
  if (holder.released === true || Date.parse(aws.clock()) >= Date.parse(holder.expiresAt)) return false;
  try {
    const { Status } = await aws.lambda.send(
      new GetDurableExecutionCommand({ DurableExecutionArn: holder.executionArn }),
    );
    return Status === 'RUNNING';
  } catch (error) {
    // Lambda has forgotten it: it ended long ago.
    if (isNamed(error, 'ResourceNotFoundException')) return false;
    throw error;
  }
}
