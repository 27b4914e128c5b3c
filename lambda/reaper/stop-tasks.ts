import { DescribeTasksCommand, type ECSClient, paginateListTasks, StopTaskCommand } from '@aws-sdk/client-ecs';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import { startOfDrill } from '../drill/drill-id';

/**
 * Stops the copies of Identity Server of drills that began before this moment (milliseconds since 1970).
 *
 * @param onStopped told of each, in words
 */
export async function stopTasks(
  ecs: ECSClient,
  cluster: string,
  startedBefore: number,
  onStopped: (what: string) => void,
): Promise<void> {
  // Pages of 100, as many as one description takes.
  for await (const { taskArns = [] } of paginateListTasks({ client: ecs }, { cluster, desiredStatus: 'RUNNING' })) {
    if (taskArns.length === 0) continue;
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns, include: ['TAGS'] }));
    for (const { taskArn, startedBy, tags = [] } of tasks) {
      const drillId = tags.find(({ key }) => key === DRILL_TAG)?.value;
      const start = drillId === undefined ? undefined : startOfDrill(drillId);
      // Both by the drill, so that neither a tag nor a name alone decides.
      if (drillId !== startedBy || start === undefined || start > startedBefore) continue;
      await ecs.send(new StopTaskCommand({ cluster, task: taskArn, reason: `${drillId} ended before its clean-up` }));
      onStopped(`task ${taskArn} of ${drillId}`);
    }
  }
}
