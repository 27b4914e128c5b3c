import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { CheckEvent, CheckOutcome, CheckResult, RestoredDatabase } from '../check/contract';
import type { DatabaseEntry, RecoveryPlanDocument, VolumeEntry } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { chooseRecoverySet, type ChosenPoint, type RecoverySet } from './choose-recovery-set';
import { cleanUp, type MadeInstance } from './clean-up';
import type { DrillEvent, DrillSummary, StepReport } from './contract';
import { drillIdOf, instanceIdentifierOf } from './drill-id';
import { findPoints } from './find-points';
import { outcomeName, runOwnChecks } from './own-checks';
import { publish } from './publish';
import { readPlan } from './read-plan';
import { restoreDatabase } from './restore-database';
import { restoreGroups, restoreVolume } from './restore-volume';
import type { Endpoint } from './restored-instance';
import type { Settings } from './settings';
import { describeError, DrillError, Journal } from './steps';
import type { Aws, Surroundings } from './surroundings';
import { judge, type RestoredComponent } from './verdict';

/**
 * One drill: choose, restore, check, clean up, judge, tell. Durable: every line that calls AWS is a named step, wait or
 * invocation, so that it goes on where it was after a crash, and the code between them decides the same at each replay.
 *
 * Whatever happens on the way becomes a cause in the report; only when not even the report can be published does the
 * execution itself fail.
 */
export async function drill(
  event: DrillEvent,
  context: DurableContext,
  aws: Aws,
  settings: Settings,
): Promise<DrillSummary> {
  const deployment = deploymentOf(event);
  const startedAt = await context.step('begin', () => Promise.resolve(aws.clock()));
  const drillId = drillIdOf(context.executionContext.durableExecutionArn, startedAt);
  const surroundings: Surroundings = { aws, settings, deployment, drillId };

  const progress = await restoreAndCheck(context, surroundings, startedAt);
  const cleaned = await cleanUp(context, surroundings, progress.made, progress.volumesTouched);
  const endedAt = await context.step('end', () => Promise.resolve(aws.clock()));

  const report = judge({
    drillId,
    deployment,
    region: settings.region,
    startedAt,
    endedAt,
    ...progress,
    ownChecks: settings.ownChecks.map(({ name }) => outcomeName(name)),
    steps: [...progress.steps, ...cleaned.steps],
    leftBehind: cleaned.leftBehind,
  });
  await publish(context, surroundings, report);

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- named to leave them out
  const { checks, steps, plan, ...summary } = report;
  return summary;
}

interface Progress {
  plan?: RecoveryPlanDocument;
  recoverySet?: RecoverySet;
  restored: readonly RestoredComponent[];
  checks: readonly CheckOutcome[];
  checkedAt?: string;
  failures: string[];
  steps: StepReport[];
  made: readonly MadeInstance[];
  volumesTouched: boolean;
}

/** Goes as far as it can. Never throws: what stopped it is in `failures`. */
async function restoreAndCheck(
  context: DurableContext,
  surroundings: Surroundings,
  startedAt: string,
): Promise<Progress> {
  const { aws, settings, deployment, drillId } = surroundings;
  const journal = new Journal(aws.clock);
  const progress: Progress = {
    restored: [],
    checks: [],
    failures: [],
    steps: journal.steps,
    made: [],
    volumesTouched: false,
  };
  try {
    const plan = await journal.step(context, 'read recovery plan', () => readPlan(deployment, settings.bucket, aws.s3));
    progress.plan = plan;

    const recoverySet = await journal.step(context, 'choose recovery set', async () =>
      chooseRecoverySet({
        components: await findPoints(plan, settings.vaultName, aws),
        now: startedAt,
        rpoSeconds: plan.objectives.drSite.rpoSeconds,
      }),
    );
    progress.recoverySet = recoverySet;

    const tasks = restoreTasks(plan, recoverySet, drillId);
    // Noted before anything is made: clean-up must look for it even if nothing is heard of it again.
    progress.made = tasks.flatMap((task) => ('database' in task ? [task.instance] : []));
    progress.volumesTouched = tasks.some((task) => 'volumes' in task);
    const outcomes = await restoreAll(context, surroundings, tasks);
    progress.restored = outcomes.flatMap(({ restored }) => restored);
    progress.made = outcomes.flatMap(({ made }) => made ?? []);
    progress.steps = [...journal.steps, ...outcomes.flatMap(({ steps }) => steps)];

    if (outcomes.some(({ restored }) => restored.some(({ usableAt }) => usableAt !== undefined))) {
      const checking = new Journal(aws.clock);
      try {
        const event = checkEventOf(surroundings, plan, recoverySet, outcomes);
        const { result } = await checking.invoke<CheckEvent, CheckResult>(
          context,
          'checks',
          settings.checkFunction,
          event,
        );
        progress.checks = checksOf(result);
        const own = await runOwnChecks(context, checking, settings.ownChecks, event);
        progress.checks = [...progress.checks, ...own];
        progress.checkedAt = lastEnd(checking);
      } finally {
        progress.steps = [...progress.steps, ...checking.steps];
      }
    }
  } catch (error) {
    progress.failures.push(describeError(error));
  }
  return progress;
}

/** One database, or volumes that are mounted within one another, each with the point chosen for it. */
type RestoreTask =
  | {
      readonly name: string;
      readonly database: DatabaseEntry;
      readonly point: ChosenPoint;
      readonly instance: MadeInstance;
    }
  | {
      readonly name: string;
      readonly volumes: readonly { readonly volume: VolumeEntry; readonly point: ChosenPoint }[];
    };

interface RestoreOutcome {
  readonly restored: readonly RestoredComponent[];
  readonly endpoint?: Endpoint;
  readonly made?: MadeInstance;
  readonly steps: readonly StepReport[];
}

function restoreTasks(plan: RecoveryPlanDocument, { chosen }: RecoverySet, drillId: string): readonly RestoreTask[] {
  const pointOf = (name: string) => chosen.filter(({ component }) => component === name);
  return [
    ...plan.databases.flatMap((database, index) =>
      pointOf(database.name).map((point) => ({
        name: database.name,
        database,
        point,
        instance: {
          component: database.name,
          identifier: instanceIdentifierOf(drillId, index, database.name),
        },
      })),
    ),
    ...restoreGroups(plan.volumes.filter(({ name }) => pointOf(name).length > 0)).map((group) => ({
      name: group.map(({ name }) => name).join(' + '),
      volumes: group.flatMap((volume) => pointOf(volume.name).map((point) => ({ volume, point }))),
    })),
  ];
}

/** All at once: the slowest component decides how long a recovery takes. */
async function restoreAll(
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
  let made = task.instance;
  try {
    const endpoint = await restoreDatabase(
      context,
      journal,
      surroundings,
      database,
      made.identifier,
      point,
      (restoreJobId) => {
        made = { ...made, restoreJobId };
      },
    );
    return { restored: [{ component, usableAt: lastEnd(journal) }], endpoint, made, steps: journal.steps };
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
  const steps: StepReport[] = [];
  for (const { volume, point } of volumes) {
    const component = volume.name;
    const journal = new Journal(surroundings.aws.clock, component);
    try {
      await restoreVolume(context, journal, surroundings, volume, point);
      restored.push({ component, usableAt: lastEnd(journal) });
    } catch (error) {
      restored.push({ component, failure: describeError(error) });
    }
    steps.push(...journal.steps);
  }
  return { restored, steps };
}

function lastEnd({ steps }: Journal): string {
  const last = steps.at(-1);
  if (last === undefined) throw new DrillError('something was done without any step: this is a bug');
  return last.endedAt;
}

/** Only what was restored can be checked; that the rest is missing is for the verdict to say. */
function checkEventOf(
  { settings, deployment, drillId }: Surroundings,
  plan: RecoveryPlanDocument,
  { chosen }: RecoverySet,
  outcomes: readonly RestoreOutcome[],
): CheckEvent {
  const usable = new Set(
    outcomes.flatMap(({ restored }) =>
      restored.filter(({ usableAt }) => usableAt !== undefined).map(({ component }) => component),
    ),
  );
  return {
    drillId,
    deployment,
    databases: plan.databases.flatMap(({ name, secretArn, datasources }): RestoredDatabase[] => {
      const endpoint = outcomes.find(({ made }) => made?.component === name)?.endpoint;
      return endpoint === undefined
        ? []
        : [{ name, ...endpoint, secretArn: inRegion(secretArn, settings.region), datasources }];
    }),
    volumes: plan.volumes.flatMap(({ name, mountedAt }) => {
      const point = chosen.find(({ component }) => component === name);
      return point === undefined || !usable.has(name)
        ? []
        : [{ name, mountedAt, archivePrefix: archivePrefix(deployment, name), manifestKey: point.id }];
    }),
    plannedDatasources: plan.databases.flatMap(({ datasources }) => datasources),
    restoreDependencies: plan.restoreDependencies,
  };
}

/** A replica of a secret has the ARN of its source but for the Region. */
export function inRegion(arn: string, region: string): string {
  const parts = arn.split(':');
  parts[3] = region;
  return parts.join(':');
}

/** A function that answers something else than its contract proved nothing. */
function checksOf(result: CheckResult | null | undefined): readonly CheckOutcome[] {
  if (!Array.isArray(result?.checks)) throw new DrillError('the check function answered without any checks');
  return result.checks;
}

/** Part of every key in the bucket, so nothing else may get through. */
function deploymentOf(event: DrillEvent | undefined): string {
  const deployment: unknown = event?.deployment;
  if (typeof deployment !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(deployment)) {
    throw new DrillError(
      `\`deployment\` of the drill's event must be the name of a deployment ([a-z0-9][a-z0-9-]*), got ${JSON.stringify(deployment)}`,
    );
  }
  return deployment;
}
