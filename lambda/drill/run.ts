/** What a drill and a recovery do alike: choose, restore, check. */
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { CheckEvent, CheckOutcome, CheckResult, RestoredDatabase } from '../check/contract';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { bootCopy } from './boot';
import { chooseRecoverySet, type RecoverySet } from './choose-recovery-set';
import type { MadeDatabase } from './clean-up-database';
import type { Demand, StepReport } from './contract';
import type { Asked } from './event';
import { findPoints } from './find-points';
import { disasterAt, objectivesOf } from './objectives';
import { runOwnChecks } from './own-checks';
import { readPlan } from './read-plan';
import { restoreAll, type RestoreOutcome, restoreTasks } from './restore-all';
import { isArchived } from './restore-volume';
import { secretAt } from './secret-at';
import { describeError, DrillError, Journal, lastEnd } from './steps';
import { markSuspicious, readSuspicions } from './suspicion';
import type { Surroundings } from './surroundings';
import type { RestoredComponent } from './verdict';

export interface Progress {
  plan?: RecoveryPlanDocument;
  recoverySet?: RecoverySet;
  outcomes: readonly RestoreOutcome[];
  restored: readonly RestoredComponent[];
  checks: readonly CheckOutcome[];
  checkedAt?: string;
  failures: string[];
  steps: StepReport[];
  made: readonly MadeDatabase[];
  volumesTouched: boolean;
  leftBehind: readonly string[];
}

export const noProgress = (): Progress => ({
  outcomes: [],
  restored: [],
  checks: [],
  failures: [],
  steps: [],
  made: [],
  volumesTouched: false,
  leftBehind: [],
});

/** Goes as far as it can. Never throws: what stopped it is in `failures`. */
export async function restoreAndCheck(
  context: DurableContext,
  surroundings: Surroundings,
  asked: Asked,
  startedAt: string,
): Promise<Progress> {
  const { aws, settings } = surroundings;
  const journal = new Journal(aws.clock);
  const progress: Progress = { ...noProgress(), steps: journal.steps };
  try {
    const { plan, recoverySet } = await choose(context, journal, surroundings, asked, startedAt, progress);

    const tasks = restoreTasks(plan, recoverySet, surroundings.drillId);
    // Noted before anything is made: clean-up must look for it even if nothing is heard of it again.
    progress.made = tasks.flatMap((task) => ('database' in task ? [task.making] : []));
    progress.volumesTouched = tasks.some((task) => 'volumes' in task);
    const outcomes = await restoreAll(context, surroundings, tasks);
    progress.outcomes = outcomes;
    progress.restored = outcomes.flatMap(({ restored }) => restored);
    progress.made = outcomes.flatMap(({ made }) => made ?? []);
    progress.leftBehind = outcomes.flatMap(({ leftBehind = [] }) => leftBehind);
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
        const booted = surroundings.mode === 'drill' ? await bootCopy(context, checking, surroundings, event) : [];
        progress.checks = [...progress.checks, ...own, ...booted];
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

/** Reads the plan and chooses; what is known so far is in `progress` whatever happens after. */
export async function choose(
  context: DurableContext,
  journal: Journal,
  { aws, settings, deployment }: Surroundings,
  { at, exportKey, volumesFrom }: Demand,
  startedAt: string,
  progress: Pick<Progress, 'plan' | 'recoverySet'> = {},
): Promise<{ readonly plan: RecoveryPlanDocument; readonly recoverySet: RecoverySet }> {
  const plan = await journal.step(context, 'read recovery plan', () => readPlan(deployment, settings.bucket, aws.s3));
  progress.plan = plan;
  const recoverySet = await journal.step(context, 'choose recovery set', async () => {
    const [found, suspicions] = await Promise.all([
      findPoints(plan, settings, aws, volumesFrom),
      readSuspicions(deployment, settings.bucket, aws.s3),
    ]);
    const components = markSuspicious(found, suspicions);
    if (exportKey !== undefined && !components.some(({ points }) => points.some(({ id }) => id === exportKey))) {
      throw new DrillError(
        `the export ${exportKey} that was asked for is not in s3://${settings.bucket}: \`wso2is-recovery list\` shows those ` +
          'that are',
      );
    }
    return chooseRecoverySet({
      components,
      now: disasterAt(startedAt, at),
      ...(at === undefined ? {} : { nowIs: `${at}, which was asked for` }),
      ...(exportKey === undefined ? {} : { pinned: exportKey }),
      rpoSeconds: objectivesOf(plan, settings.site).rpoSeconds,
    });
  });
  progress.recoverySet = recoverySet;
  return { plan, recoverySet };
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
    databases: plan.databases.flatMap((database): RestoredDatabase[] => {
      const { name, datasources } = database;
      const endpoint = outcomes.find(({ made }) => made?.component === name)?.endpoint;
      const moment = chosen.find(({ component }) => component === name)?.moment;
      return endpoint === undefined
        ? []
        : [
            {
              name,
              ...endpoint,
              secretArn: secretAt(database, settings.region, plan),
              datasources,
              ...(moment === undefined ? {} : { moment }),
            },
          ];
    }),
    volumes: plan.volumes.flatMap(({ name, mountedAt }) => {
      const point = chosen.find(({ component }) => component === name);
      return point === undefined || !usable.has(name)
        ? []
        : [
            {
              name,
              mountedAt,
              ...(isArchived(point) ? { archivePrefix: archivePrefix(deployment, name), manifestKey: point.id } : {}),
            },
          ];
    }),
    plannedDatasources: plan.databases.flatMap(({ datasources }) => datasources),
    restoreDependencies: plan.restoreDependencies,
  };
}

/** A function that answers something else than its contract proved nothing. */
function checksOf(result: CheckResult | null | undefined): readonly CheckOutcome[] {
  if (!Array.isArray(result?.checks)) throw new DrillError('the check function answered without any checks');
  if (!result.checks.every(isOutcome)) {
    throw new DrillError("the check function answered with a check of another shape than its contract's");
  }
  return result.checks;
}

/** What the verdict goes by. An unknown status is for the verdict to judge: it is no pass. */
function isOutcome(outcome: unknown): outcome is CheckOutcome {
  const { check, component, status, reason, compared } = (outcome ?? {}) as Partial<
    Record<keyof CheckOutcome, unknown>
  >;
  return (
    [check, component, status, reason].every((text) => typeof text === 'string') &&
    typeof compared === 'object' &&
    compared !== null
  );
}
