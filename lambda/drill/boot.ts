/** Boots a copy of Identity Server on what a drill restored, has it asked whether it works, and stops it. */
import { DescribeTasksCommand, ListTasksCommand, RunTaskCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { BOOT_CONTAINER, BOOT_FOLDER } from '../../lib/private/boot-names';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import type { BootEvent } from '../check/boot-contract';
import type { CheckEvent, CheckOutcome, CheckResult } from '../check/contract';
import type { IsolateEvent, IsolateResult } from '../restore/contract';
import { RUN_TASK, STOP_TASKS } from './boot-steps';
import type { StepReport } from './contract';
import type { Boot } from './settings';
import { describeError, DrillError, Journal, type Look } from './steps';
import type { Surroundings } from './surroundings';

/** Until a task runs: Fargate finds a place for it and pulls its image, some gigabytes at most. */
const START_TIMEOUT_SECONDS = 15 * 60;
/** Until a task is gone: ECS kills after 30 s what does not end. */
const STOP_TIMEOUT_SECONDS = 10 * 60;

/** What must be in the report of a drill that boots. */
export const bootChecks = (boot: Boot | undefined): readonly string[] =>
  boot === undefined ? [] : ['boot-health', ...(boot.tokenSecretArn === undefined ? [] : ['boot-token'])];

/** Never throws: what goes wrong is the outcome of the first check. The task is left for `stopBoot`. */
export async function bootCopy(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  { databases, restoreDependencies }: CheckEvent,
): Promise<readonly CheckOutcome[]> {
  const { settings, drillId } = surroundings;
  const { boot } = settings;
  if (boot === undefined) return [];
  try {
    const { result: isolated } = await journal.invoke<IsolateEvent, IsolateResult>(
      context,
      'isolate deployment.toml',
      settings.restoreFunction,
      {
        action: 'isolate',
        target: `${drillId}/${restoreDependencies.deploymentTomlPath}`,
        destination: `${drillId}/${BOOT_FOLDER}/deployment.toml`,
        endpoints: databases.map(({ host, port, datasources }) => ({ host, port, datasources })),
      },
    );
    const taskArn = await journal.step(context, RUN_TASK, () => runTask(surroundings, boot));
    const address = await journal.wait(context, 'task of Identity Server runs', START_TIMEOUT_SECONDS, () =>
      addressOf(surroundings, boot, taskArn),
    );
    const { result } = await journal.invoke<BootEvent, CheckResult>(
      context,
      'ask Identity Server',
      settings.checkFunction,
      {
        action: 'boot',
        address,
        port: isolated.port,
        healthPath: boot.healthPath,
        timeoutSeconds: boot.timeoutSeconds,
        ...(boot.tokenSecretArn === undefined ? {} : { tokenSecretArn: boot.tokenSecretArn }),
      },
    );
    return result.checks.map((outcome) => withMissing(outcome, isolated));
  } catch (error) {
    return bootChecks(boot).map((check) => ({
      check,
      component: 'deployment',
      status: 'FAILED' as const,
      reason: `no copy of Identity Server could be booted: ${describeError(error)}`,
      compared: {},
      durationMs: 0,
    }));
  }
}

/** A server that lacks what its file refers to does not start, and says so in its log alone. */
function withMissing(outcome: CheckOutcome, { references, changed, left }: IsolateResult): CheckOutcome {
  const compared = { ...outcome.compared, valuesIsolated: changed.length, namesLeft: left.length };
  return outcome.status === 'PASSED' || references.length === 0
    ? { ...outcome, compared }
    : { ...outcome, compared, reason: `${outcome.reason}; its file needs ${references.join(', ')} of the image` };
}

async function runTask({ aws, drillId }: Surroundings, boot: Boot): Promise<string> {
  const { tasks = [], failures = [] } = await aws.ecs.send(
    new RunTaskCommand({
      cluster: boot.cluster,
      taskDefinition: boot.taskDefinition,
      launchType: 'FARGATE',
      count: 1,
      // A second call, after a crash, answers with the task of the first.
      clientToken: drillId,
      startedBy: drillId,
      tags: [{ key: DRILL_TAG, value: drillId }],
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...boot.subnets],
          securityGroups: [boot.securityGroup],
          assignPublicIp: 'DISABLED',
        },
      },
      overrides: {
        containerOverrides: [{ name: BOOT_CONTAINER, environment: [{ name: 'DRILL_ID', value: drillId }] }],
      },
    }),
  );
  const arn = tasks[0]?.taskArn;
  if (arn !== undefined) return arn;
  throw new DrillError(failures.map(({ reason, detail }) => detail ?? reason).join('; ') || 'ECS started no task');
}

async function addressOf({ aws }: Surroundings, boot: Boot, taskArn: string): Promise<Look<string>> {
  const { tasks = [] } = await aws.ecs.send(new DescribeTasksCommand({ cluster: boot.cluster, tasks: [taskArn] }));
  const { lastStatus = 'unknown', stoppedReason, attachments = [] } = tasks[0] ?? {};
  if (['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'].includes(lastStatus)) {
    throw new DrillError(`the task stopped: ${stoppedReason ?? 'ECS does not say why'}`);
  }
  const address = attachments
    .flatMap(({ details = [] }) => details)
    .find(({ name }) => name === 'privateIPv4Address')?.value;
  return lastStatus === 'RUNNING' && address !== undefined ? { done: address } : { notYet: `task is ${lastStatus}` };
}

export interface Stopped {
  readonly leftBehind: readonly string[];
  readonly steps: readonly StepReport[];
}

/** Stops every task that this drill started, known or not: it may have died between starting one and hearing of it. */
export async function stopBoot(context: DurableContext, surroundings: Surroundings): Promise<Stopped> {
  const { boot } = surroundings.settings;
  if (boot === undefined) return { leftBehind: [], steps: [] };
  const journal = new Journal(surroundings.aws.clock);
  try {
    await journal.wait(context, STOP_TASKS, STOP_TIMEOUT_SECONDS, () => stopTasks(surroundings, boot));
    return { leftBehind: [], steps: journal.steps };
  } catch (error) {
    const what = `tasks started by ${surroundings.drillId} in ECS cluster ${boot.cluster}`;
    return { leftBehind: [`${what}: ${describeError(error)}`], steps: journal.steps };
  }
}

/** ECS lists by whether a task shall run: one that was told to stop is in the list no more. */
async function stopTasks({ aws, drillId }: Surroundings, boot: Boot): Promise<Look<true>> {
  const { taskArns = [] } = await aws.ecs.send(
    new ListTasksCommand({ cluster: boot.cluster, startedBy: drillId, desiredStatus: 'RUNNING' }),
  );
  for (const task of taskArns) {
    await aws.ecs.send(new StopTaskCommand({ cluster: boot.cluster, task, reason: `end of ${drillId}` }));
  }
  return taskArns.length === 0 ? { done: true } : { notYet: `${taskArns.length} told to stop` };
}
