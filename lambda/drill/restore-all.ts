/** Restores a recovery set: everything at once, since the slowest component decides how long a recovery takes. */
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry, RecoveryPlanDocument, VolumeEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint, RecoverySet } from './choose-recovery-set';
import type { MadeDatabase } from './clean-up-database';
import type { StepReport } from './contract';
import { instanceIdentifierOf } from './drill-id';
import { restoreDatabase } from './restore-database';
import type { Availability, Endpoint } from './restored-instance';
import { isArchived, restoreGroups, restoreVolume } from './restore-volume';
import { describeError, DrillError, Journal, lastEnd } from './steps';
import type { Surroundings } from './surroundings';
import type { RestoredComponent } from './verdict';

/** One database, or volumes that are mounted within one another, each with the point chosen for it. */
export type RestoreTask =
  | {
      readonly name: string;
      readonly database: DatabaseEntry;
      readonly point: ChosenPoint;
      readonly making: MadeDatabase;
    }
  | {
      readonly name: string;
      readonly volumes: readonly { readonly volume: VolumeEntry; readonly point: ChosenPoint }[];
    };

export interface RestoreOutcome {
  readonly restored: readonly RestoredComponent[];
  readonly endpoint?: Endpoint;
  /** Of an instance. */
  readonly availability?: Availability;
  readonly made?: MadeDatabase;
  /** What no clean-up of the drill can remove. */
  readonly leftBehind?: readonly string[];
  readonly steps: readonly StepReport[];
}

export function restoreTasks(
  plan: RecoveryPlanDocument,
  { chosen }: RecoverySet,
  drillId: string,
): readonly RestoreTask[] {
  const pointOf = (name: string) => chosen.filter(({ component }) => component === name);
  return [
    ...plan.databases.flatMap((database, index) =>
      pointOf(database.name).map((point) => ({
        name: database.name,
        database,
        point,
        making: {
          component: database.name,
          kind: database.kind,
          identifier: instanceIdentifierOf(drillId, index, database.name),
        },
      })),
    ),
    ...volumeGroups(
      plan.volumes.filter(({ name }) => pointOf(name).length > 0),
      plan.volumes.flatMap(({ name }) => pointOf(name)),
    ).map((group) => ({
      name: group.map(({ name }) => name).join(' + '),
      volumes: group.flatMap((volume) => pointOf(volume.name).map((point) => ({ volume, point }))),
    })),
  ];
}

/** AWS Backup restores to directories that do not say whose they are: so one volume after the other. */
function volumeGroups(volumes: readonly VolumeEntry[], points: readonly ChosenPoint[]) {
  const groups = restoreGroups(volumes);
  return points.every(isArchived) || groups.length === 0 ? groups : [groups.flat()];
}

export async function restoreAll(
  context: DurableContext,
  surroundings: Surroundings,
  tasks: readonly RestoreTask[],
): Promise<readonly RestoreOutcome[]> {
  const results = await context.map('restore', [...tasks], (child, task) => restoreTask(child, surroundings, task), {
    itemNamer: ({ name }) => `restore ${name}`,
  });
  const failed = results.failed();
  if (failed.length > 0) throw new DrillError(failed.map(({ error }) => describeError(error)).join('; '));
  return results.getResults();
}

/** Never throws: what one component cannot do must not keep the others from being restored. */
async function restoreTask(
  context: DurableContext,
  surroundings: Surroundings,
  task: RestoreTask,
): Promise<RestoreOutcome> {
  if ('volumes' in task) return restoreVolumesTask(context, surroundings, task.volumes);
  const { database, point } = task;
  const component = database.name;
  const journal = new Journal(surroundings.aws.clock, component);
  let made = task.making;
  try {
    const {
      size,
      warnings = [],
      availability,
      ...endpoint
    } = await restoreDatabase({
      context,
      journal,
      surroundings,
      entry: database,
      identifier: made.identifier,
      point,
      onStarted: (restoreJobId) => {
        made = { ...made, restoreJobId };
      },
    });
    return {
      restored: [{ component, usableAt: lastEnd(journal), size, warnings }],
      endpoint,
      ...(availability === undefined ? {} : { availability }),
      made,
      steps: journal.steps,
    };
  } catch (error) {
    return { restored: [{ component, failure: describeError(error) }], made, steps: journal.steps };
  }
}

async function restoreVolumesTask(
  context: DurableContext,
  surroundings: Surroundings,
  volumes: readonly { readonly volume: VolumeEntry; readonly point: ChosenPoint }[],
): Promise<RestoreOutcome> {
  const restored: RestoredComponent[] = [];
  const leftBehind: string[] = [];
  const steps: StepReport[] = [];
  for (const { volume, point } of volumes) {
    const component = volume.name;
    const journal = new Journal(surroundings.aws.clock, component);
    try {
      const { files, bytes } = await restoreVolume(context, journal, surroundings, volume, point);
      restored.push({ component, usableAt: lastEnd(journal), size: { files, bytes } });
    } catch (error) {
      restored.push({ component, failure: describeError(error) });
      // Which directory it is nobody knows, so nobody but the reaper may remove it.
      if (!isArchived(point)) {
        leftBehind.push(
          `what AWS Backup restored of ${component}, if anything, at the root of file system ` +
            `${surroundings.settings.restoreFileSystemId}: the reaper removes it once no drill can need it`,
        );
      }
    }
    steps.push(...journal.steps);
  }
  return { restored, leftBehind, steps };
}
