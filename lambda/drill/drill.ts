import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { reportPrefix } from './report-key';
import { bootChecks } from './boot';
import { cleanUp } from './clean-up';
import type { DrillResult } from './contract';
import { drillIdOf } from './drill-id';
import { acquireLock, type Lock, refusal, releaseLock } from './lock';
import { keepRecovery } from './keep-recovery';
import { demandOf, parseEvent } from './event';
import { outcomeName } from './own-checks';
import { pastDrills } from './past-drills';
import { preview } from './preview';
import { publish } from './publish';
import { noProgress, restoreAndCheck } from './run';
import type { Settings } from './settings';
import type { Aws, Surroundings } from './surroundings';
import { judge } from './verdict';

/**
 * One drill: choose, restore, check, clean up, judge, tell; or one recovery: the same, where what was restored is kept.
 * Durable: every line that calls AWS is a named step, wait or invocation, so that it goes on where it was after a crash, and
 * the code between them decides the same at each replay.
 *
 * Whatever happens on the way becomes a cause in the report; only when not even the report can be published does the
 * execution itself fail.
 *
 * @throws DrillError where the event is not one of the contract, before anything is done
 */
export async function drill(
  event: unknown,
  context: DurableContext,
  aws: Aws,
  settings: Settings,
): Promise<DrillResult> {
  const asked = parseEvent(event);
  const { deployment, mode } = asked;
  const executionArn = context.executionContext.durableExecutionArn;
  const startedAt = await context.step('begin', () => Promise.resolve(aws.clock()));
  const drillId = drillIdOf(mode, executionArn, startedAt);
  const surroundings: Surroundings = { aws, settings, deployment, mode, drillId };
  if (asked.planOnly) return preview(context, surroundings, asked, startedAt);

  // A recovery waits for nobody: a drill may run beside it, and they share nothing.
  const lock: Lock = mode === 'drill' ? await acquireLock(context, surroundings, executionArn, startedAt) : {};
  if (lock.heldBy !== undefined) return refusal(surroundings, lock.heldBy);

  const progress =
    lock.failure === undefined
      ? await restoreAndCheck(context, surroundings, asked, startedAt)
      : { ...noProgress(), failures: [lock.failure] };
  const ending =
    mode === 'drill'
      ? await cleanUp(context, surroundings, progress.made, progress.volumesTouched)
      : await keepRecovery(context, surroundings, progress);
  const past = mode === 'drill' ? await pastDrills(context, surroundings) : {};
  const endedAt = await context.step('end', () => Promise.resolve(aws.clock()));

  const report = judge({
    mode,
    site: settings.site,
    drillId,
    deployment,
    region: settings.region,
    startedAt,
    endedAt,
    asked: demandOf(asked),
    ...progress,
    ownChecks: [
      ...settings.ownChecks.map(({ name }) => outcomeName(name)),
      ...(mode === 'drill' ? bootChecks(settings.boot) : []),
    ],
    ...(settings.boot && { bootSize: { vcpus: settings.boot.vcpus, memoryGib: settings.boot.memoryGib } }),
    steps: [...progress.steps, ...ending.steps],
    leftBehind: [...progress.leftBehind, ...('leftBehind' in ending ? ending.leftBehind : [])],
    ...('recovery' in ending ? { recovery: ending.recovery } : {}),
    ...past,
  });
  let untold: unknown;
  try {
    await publish(context, surroundings, report);
  } catch (error) {
    untold = error;
  }
  await releaseLock(context, surroundings, lock);
  if (untold !== undefined) throw untold as Error;

  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- named to leave them out
  const { checks, steps, plan, earlier, changes, estimatedCost, ...summary } = report;
  return { outcome: 'REPORTED', reportKey: `${reportPrefix(report)}report.json`, ...summary };
}
