import { DescribeRestoreJobCommand } from '@aws-sdk/client-backup';
import { AddTagsToResourceCommand, DeleteDBInstanceCommand } from '@aws-sdk/client-rds';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import type { RemoveEvent, RemoveResult } from '../restore/contract';
import { stopBoot } from './boot';
import type { StepReport } from './contract';
import { findInstance, tagsOf } from './restored-instance';
import { describeError, DrillError, isNamed, Journal, type Look } from './steps';
import type { Surroundings } from './surroundings';

const DELETE_TIMEOUT_SECONDS = 2 * 3600;

/** A DB instance that this drill made, or may have made. */
export interface MadeInstance {
  readonly component: string;
  readonly identifier: string;
  /** Of AWS Backup; absent: it made none yet, or RDS restored without it. */
  readonly restoreJobId?: string;
}

export interface CleanUpResult {
  /** In words, with names: what a person must remove by hand. */
  readonly leftBehind: readonly string[];
  readonly steps: readonly StepReport[];
}

/** Removes all that the drill made. Never throws: what cannot be removed is named. */
export async function cleanUp(
  context: DurableContext,
  surroundings: Surroundings,
  instances: readonly MadeInstance[],
  volumesTouched: boolean,
): Promise<CleanUpResult> {
  const items: Item[] = [
    ...instances.map((instance) => ({ name: instance.component, instance })),
    ...(volumesTouched ? [{ name: 'restored files' }] : []),
  ];
  // First: it works with the rest.
  const stopped = await stopBoot(context, surroundings);
  if (items.length === 0) return stopped;
  const results = await context.map(
    'clean up',
    items,
    async (child, { name, instance }) => {
      const journal = new Journal(surroundings.aws.clock, instance?.component);
      try {
        if (instance === undefined) await removeFiles(child, journal, surroundings);
        else await removeInstance(child, journal, surroundings, instance);
        return { leftBehind: null, steps: journal.steps };
      } catch (error) {
        const what =
          instance === undefined
            ? `folder ${surroundings.drillId} on the restore volume`
            : `DB instance ${instance.identifier} (${name})`;
        return { leftBehind: `${what}: ${describeError(error)}`, steps: journal.steps };
      }
    },
    { itemNamer: ({ name }) => `clean up ${name}` },
  );
  return {
    leftBehind: [
      ...stopped.leftBehind,
      ...results.all.flatMap(({ result, error, index }) =>
        result === undefined
          ? [`${items[index]?.name}: ${describeError(error)}`]
          : result.leftBehind === null
            ? []
            : [result.leftBehind],
      ),
    ],
    steps: [...stopped.steps, ...results.getResults().flatMap(({ steps }) => steps)],
  };
}

interface Item {
  readonly name: string;
  readonly instance?: MadeInstance;
}

async function removeFiles(context: DurableContext, journal: Journal, { settings, drillId }: Surroundings) {
  await journal.invoke<RemoveEvent, RemoveResult>(context, 'remove restored files', settings.restoreFunction, {
    action: 'remove',
    target: drillId,
  });
}

async function removeInstance(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  instance: MadeInstance,
) {
  await journal.wait(context, `delete ${instance.component}`, DELETE_TIMEOUT_SECONDS, () =>
    deleteUnlessGone(surroundings, instance),
  );
}

/** Looks what is there and takes the next step; may be repeated at any time, also after a crash. */
async function deleteUnlessGone(surroundings: Surroundings, instance: MadeInstance): Promise<Look<true>> {
  const { rds } = surroundings.aws;
  const { identifier } = instance;
  const found = await findInstance(rds, identifier);
  if (found === undefined) {
    return (await jobIsRunning(surroundings, instance))
      ? { notYet: `restore job ${instance.restoreJobId} may still make it` }
      : { done: true };
  }
  if (found.status === 'deleting') return { notYet: `DB instance ${identifier} is deleting` };
  await assertMadeByThisDrill(surroundings, instance, found.arn);
  try {
    await rds.send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      }),
    );
    return { notYet: `DB instance ${identifier} is told to delete itself` };
  } catch (error) {
    // RDS deletes no instance that is being created or modified: a little later it does.
    if (!isNamed(error, 'InvalidDBInstanceState')) throw error;
    return { notYet: `DB instance ${identifier} is ${found.status}` };
  }
}

/**
 * The tag decides. An instance may lack it when the drill failed between AWS Backup's making it and the tagging: then it is
 * tagged now, but only if the drill's own restore job says that it made just this one.
 */
async function assertMadeByThisDrill(surroundings: Surroundings, instance: MadeInstance, arn: string): Promise<void> {
  const { rds } = surroundings.aws;
  const carriesIt = async () => (await tagsOf(rds, arn)).get(DRILL_TAG) === surroundings.drillId;
  if (await carriesIt()) return;
  if ((await jobOf(surroundings, instance))?.CreatedResourceArn === arn) {
    await rds.send(
      new AddTagsToResourceCommand({ ResourceName: arn, Tags: [{ Key: DRILL_TAG, Value: surroundings.drillId }] }),
    );
    if (await carriesIt()) return;
  }
  throw new DrillError(
    `it does not carry the tag ${DRILL_TAG}=${surroundings.drillId}, so it was not deleted: look who made it`,
  );
}

async function jobIsRunning(surroundings: Surroundings, instance: MadeInstance): Promise<boolean> {
  const status = (await jobOf(surroundings, instance))?.Status;
  return status === 'PENDING' || status === 'RUNNING';
}

async function jobOf({ aws }: Surroundings, { restoreJobId }: MadeInstance) {
  return restoreJobId === undefined
    ? undefined
    : aws.backup.send(new DescribeRestoreJobCommand({ RestoreJobId: restoreJobId }));
}
