import { DescribeRestoreJobCommand } from '@aws-sdk/client-backup';
import { AddTagsToResourceCommand, DeleteDBClusterCommand, DeleteDBInstanceCommand } from '@aws-sdk/client-rds';
import type { DatabaseKind } from '../../lib/planning/plan-document';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import { findCluster, writerIdentifierOf } from './restored-cluster';
import { findInstance, tagsOf } from './restored-instance';
import { DrillError, isNamed, type Look } from './steps';
import type { Surroundings } from './surroundings';

/** A DB instance or cluster that this drill made, or may have made. */
export interface MadeDatabase {
  readonly component: string;
  readonly kind: DatabaseKind;
  readonly identifier: string;
  /** Of AWS Backup; absent: it made none yet, or RDS restored without it. */
  readonly restoreJobId?: string;
}

/** `DB instance drill-...` */
export const wordsFor = ({ kind, identifier }: Pick<MadeDatabase, 'kind' | 'identifier'>): string =>
  `${kind === 'rds-instance' ? 'DB instance' : 'DB cluster'} ${identifier}`;

/** Looks what is there and takes the next step; may be repeated at any time, also after a crash. */
export async function deleteUnlessGone(surroundings: Surroundings, made: MadeDatabase): Promise<Look<true>> {
  if (made.kind === 'rds-instance') {
    const look = await deleteInstance(surroundings, made, made.identifier);
    return look ?? (await unlessJobRuns(surroundings, made));
  }
  // RDS deletes no Aurora cluster that has an instance, and the instances of a Multi-AZ cluster with it alone.
  const look =
    made.kind === 'multi-az-cluster'
      ? undefined
      : await deleteInstance(surroundings, made, writerIdentifierOf(made.identifier));
  return look ?? (await deleteCluster(surroundings, made)) ?? (await unlessJobRuns(surroundings, made));
}

/** Undefined: it is not there. */
async function deleteInstance(
  surroundings: Surroundings,
  made: MadeDatabase,
  identifier: string,
): Promise<{ readonly notYet: string } | undefined> {
  const { rds } = surroundings.aws;
  const found = await findInstance(rds, identifier);
  if (found === undefined) return undefined;
  if (found.status === 'deleting') return { notYet: `DB instance ${identifier} is deleting` };
  await assertMadeByThisDrill(surroundings, made, found.arn);
  try {
    await rds.send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        // Snapshots and backups of a member are its cluster's.
        ...(made.kind === 'rds-instance' ? { SkipFinalSnapshot: true, DeleteAutomatedBackups: true } : {}),
      }),
    );
    return { notYet: `DB instance ${identifier} is told to delete itself` };
  } catch (error) {
    // RDS deletes no instance that is being created or modified: a little later it does.
    if (!isNamed(error, 'InvalidDBInstanceState')) throw error;
    return { notYet: `DB instance ${identifier} is ${found.status}` };
  }
}

/** Undefined: it is not there. */
async function deleteCluster(
  surroundings: Surroundings,
  made: MadeDatabase,
): Promise<{ readonly notYet: string } | undefined> {
  const { rds } = surroundings.aws;
  const { identifier } = made;
  const found = await findCluster(rds, identifier);
  if (found === undefined) return undefined;
  if (found.status === 'deleting') return { notYet: `DB cluster ${identifier} is deleting` };
  await assertMadeByThisDrill(surroundings, made, found.arn);
  try {
    await rds.send(
      new DeleteDBClusterCommand({
        DBClusterIdentifier: identifier,
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: true,
      }),
    );
    return { notYet: `DB cluster ${identifier} is told to delete itself` };
  } catch (error) {
    if (!isNamed(error, 'InvalidDBClusterState')) throw error;
    return { notYet: `DB cluster ${identifier} is ${found.status}` };
  }
}

async function unlessJobRuns(surroundings: Surroundings, made: MadeDatabase): Promise<Look<true>> {
  const status = (await jobOf(surroundings, made))?.Status;
  return status === 'PENDING' || status === 'RUNNING'
    ? { notYet: `restore job ${made.restoreJobId} may still make it` }
    : { done: true };
}

/**
 * The tag decides. What AWS Backup made may lack it when the drill failed between the making and the tagging: then it is
 * tagged now, but only if the drill's own restore job says that it made just this one.
 */
async function assertMadeByThisDrill(surroundings: Surroundings, made: MadeDatabase, arn: string): Promise<void> {
  const { rds } = surroundings.aws;
  const carriesIt = async () => (await tagsOf(rds, arn)).get(DRILL_TAG) === surroundings.drillId;
  if (await carriesIt()) return;
  if ((await jobOf(surroundings, made))?.CreatedResourceArn === arn) {
    await rds.send(
      new AddTagsToResourceCommand({ ResourceName: arn, Tags: [{ Key: DRILL_TAG, Value: surroundings.drillId }] }),
    );
    if (await carriesIt()) return;
  }
  throw new DrillError(
    `${arn} does not carry the tag ${DRILL_TAG}=${surroundings.drillId}, so it was not deleted: look who made it`,
  );
}

async function jobOf({ aws }: Surroundings, { restoreJobId }: MadeDatabase) {
  return restoreJobId === undefined
    ? undefined
    : aws.backup.send(new DescribeRestoreJobCommand({ RestoreJobId: restoreJobId }));
}
