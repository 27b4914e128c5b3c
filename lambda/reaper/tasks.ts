import { DescribeTasksCommand, type ECSClient, paginateListTasks, StopTaskCommand } from '@aws-sdk/client-ecs';
import { DRILL_TAG } from '../../lib/private/bucket-layout';
import { startOfDrill } from '../drill/drill-id';
import type { Dead } from './leftover';

/** The copies of Identity Server of drills that began before this moment (milliseconds since 1970), and run. */
export async function deadTasks(ecs: ECSClient, cluster: string, startedBefore: number): Promise<readonly Dead[]> {
  const dead: Dead[] = [];
  // Pages of 100, as many as one description takes.
  for await (const { taskArns = [] } of paginateListTasks({ client: ecs }, { cluster, desiredStatus: 'RUNNING' })) {
    if (taskArns.length === 0) continue;
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns, include: ['TAGS'] }));
    for (const { taskArn, desiredStatus, startedBy, tags = [] } of tasks) {
      const drillId = tags.find(({ key }) => key === DRILL_TAG)?.value;
      const start = drillId === undefined ? undefined : startOfDrill(drillId);
      // Both by the drill, so that neither a tag nor a name alone decides.
      if (drillId === undefined || drillId !== startedBy || start === undefined || start > startedBefore) continue;
      // Another run has stopped it since it was listed.
      if (desiredStatus === 'STOPPED') continue;
      const command = new StopTaskCommand({ cluster, task: taskArn, reason: `${drillId} ended before its clean-up` });
      dead.push({
        what: `task ${taskArn}`,
        drillId,
        remove: () => ecs.send(command).then(() => ({ fate: 'removed' as const })),
      });
    }
  }
  return dead;
}
