import { strict as assert } from 'node:assert';
import { it } from 'node:test';
import { ECSClient } from '@aws-sdk/client-ecs';
import { deadTasks } from '../../../lambda/reaper/tasks';

const DEAD = 'drill-20261124t042500-1a2b3c4d';
const ALIVE = 'drill-20261124t042501-1a2b3c4d';
const BEFORE = Date.parse('2026-11-24T04:25:00.000Z');
const tag = (value: string) => [{ key: 'wso2is-recovery:drill', value }];

/** Each task on a page of its own. */
function ecsWith(tasks: readonly { taskArn: string; desiredStatus?: string; startedBy?: string; tags?: object[] }[]) {
  const calls: [string, Record<string, unknown>][] = [];
  const send = (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    const { name } = command.constructor;
    calls.push([name, command.input]);
    const page = Number(command.input['nextToken'] ?? 0);
    if (name === 'ListTasksCommand') {
      const more = page + 1 < tasks.length ? { nextToken: String(page + 1) } : {};
      return Promise.resolve({ taskArns: tasks.slice(page, page + 1).map(({ taskArn }) => taskArn), ...more });
    }
    if (name === 'DescribeTasksCommand') {
      assert.deepEqual(command.input['include'], ['TAGS'], 'ECS says no tags that it is not asked for');
      const arns = command.input['tasks'] as string[];
      return Promise.resolve({ tasks: tasks.filter(({ taskArn }) => arns.includes(taskArn)) });
    }
    return Promise.resolve({});
  };
  // The SDK's paginators take nothing but a real client.
  return { ecs: Object.assign(new ECSClient({ region: 'eu-central-1' }), { send }) as ECSClient, calls };
}

it('stops the tasks of dead drills on every page, and no other', async () => {
  const { ecs, calls } = ecsWith([
    { taskArn: 'dead', startedBy: DEAD, tags: tag(DEAD) },
    { taskArn: 'alive', startedBy: ALIVE, tags: tag(ALIVE) },
    { taskArn: 'untagged', startedBy: DEAD, tags: [] },
    { taskArn: 'started by another', startedBy: 'somebody', tags: tag(DEAD) },
    { taskArn: 'no drill', startedBy: 'somebody', tags: tag('somebody') },
    { taskArn: 'stopped since it was listed', desiredStatus: 'STOPPED', startedBy: DEAD, tags: tag(DEAD) },
    { taskArn: 'dead too', startedBy: DEAD, tags: tag(DEAD) },
  ]);
  const dead = await deadTasks(ecs, 'site', BEFORE);
  assert.deepEqual(
    dead.map(({ what, drillId }) => [what, drillId]),
    [
      ['task dead', DEAD],
      ['task dead too', DEAD],
    ],
  );
  for (const { remove } of dead) assert.deepEqual(await remove(), { fate: 'removed' });
  assert.deepEqual(
    calls.filter(([name]) => name === 'StopTaskCommand').map(([, { cluster, task }]) => [cluster, task]),
    [
      ['site', 'dead'],
      ['site', 'dead too'],
    ],
  );
});

it('asks for no description of nothing', async () => {
  const { ecs, calls } = ecsWith([]);
  assert.deepEqual(await deadTasks(ecs, 'site', BEFORE), []);
  assert.deepEqual(
    calls.map(([name]) => name),
    ['ListTasksCommand'],
  );
});
