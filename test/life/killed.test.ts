// A drill whose function is killed between its steps, as Lambda may do at any moment: it goes on where it was, and does nothing twice.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { BackupClient, ListRestoreJobsCommand } from '@aws-sdk/client-backup';
import {
  type Event,
  GetDurableExecutionHistoryCommand,
  LambdaClient,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { followDrill, startDrill } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { assertOnlyItsOwn } from './own-calls';
import { QUICK } from './quick';
import { reapAtOnce } from './reaping';
import { deploySample, takeRecoverySet } from './sample';

const { dr } = REGIONS;

void describe('a drill whose function is killed', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  let drillFunction: string;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    deployed = await deploySample(aws);
    await takeRecoverySet(aws, deployed);
    drillFunction = deployed.drill.functionName;
  });
  after(() => aws?.stop());
  afterEach(() => aws.clearFaults());

  const lambda = () => new LambdaClient(aws.clientConfig(dr));

  async function instances(): Promise<readonly string[]> {
    const { DBInstances = [] } = await new RDSClient(aws.clientConfig(dr)).send(new DescribeDBInstancesCommand({}));
    return DBInstances.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier!);
  }

  async function restoreJobs(): Promise<number> {
    const { RestoreJobs = [] } = await new BackupClient(aws.clientConfig(dr)).send(new ListRestoreJobsCommand({}));
    return RestoreJobs.length;
  }

  async function historyOf(DurableExecutionArn: string): Promise<readonly Event[]> {
    const { Events = [] } = await lambda().send(
      new GetDurableExecutionHistoryCommand({ DurableExecutionArn, IncludeExecutionData: false, MaxItems: 1000 }),
    );
    return Events;
  }

  interface Passed {
    /** The names of its steps, in their order. */
    readonly steps: readonly string[];
    readonly invocations: number;
    /** That its function made, as `PutEvents`. */
    readonly actions: readonly string[];
  }

  /** As if nothing had happened: one restore job, one report of each kind, nothing left, nothing touched that is not its own. */
  async function passes(): Promise<Passed> {
    const [earlier, jobs] = [(await aws.calls()).length, await restoreJobs()];
    const execution = await startDrill(aws, deployed);
    const report = await followDrill(aws, deployed, execution);
    assert.deepEqual([report.verdict, report.causes], ['PASSED', []]);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.deepEqual(await instances(), []);
    assert.equal((await restoreJobs()) - jobs, 1);
    const history = await historyOf(execution);
    const steps = history.flatMap(({ EventType, Name }) => (EventType === 'StepSucceeded' ? [Name!] : []));
    // None of them has a result twice, whatever was tried again.
    assert.deepEqual(steps, Array.from(new Set(steps)));
    const calls = (await aws.calls()).slice(earlier).filter(({ region }) => region === dr);
    assertOnlyItsOwn(calls, report.drillId);
    return {
      steps,
      invocations: history.filter(({ EventType }) => EventType === 'InvocationCompleted').length,
      actions: calls.flatMap(({ action }) => action ?? []),
    };
  }

  let undisturbed: Passed;

  void it('not at all, passes in less than a minute beside the time of its jobs', async () => {
    const started = performance.now();
    undisturbed = await passes();
    const seconds = (performance.now() - started) / 1000;
    // It takes a few; what jobs take is simulated.
    assert.ok(seconds - QUICK.restoreSeconds! < 60, `${seconds} s`);
    assert.ok(undisturbed.steps.length >= 20, undisturbed.steps.join(', '));
    assert.equal(undisturbed.steps.at(-1), 'release lock');
    assert.equal(undisturbed.actions.filter((action) => action === 'PutEvents').length, 1);
  });

  void it('after each of its checkpoints, passes', async () => {
    await aws.addFault({ kind: 'function-killed', match: `${drillFunction} after ` });
    const { steps, invocations, actions } = await passes();
    assert.deepEqual(steps.toSorted(), undisturbed.steps.toSorted());
    // Each gets one checkpoint further, which has more than one step at times.
    assert.ok(invocations >= 20, `${invocations} invocations`);
    // With the beginning of its step noted, the event was put, or not yet.
    assert.ok([1, 2].includes(actions.filter((action) => action === 'PutEvents').length), actions.join(', '));
  });

  void it('once before the checkpoint of each step, when the step was done, passes', async () => {
    for (const step of undisturbed.steps) {
      await aws.addFault({ kind: 'function-killed', match: `${drillFunction} before STEP SUCCEED ${step}`, times: 1 });
    }
    const { steps, invocations, actions } = await passes();
    assert.deepEqual(steps.toSorted(), undisturbed.steps.toSorted());
    assert.ok(invocations >= 20, `${invocations} invocations`);
    // Nobody knows of an event that was put that it was: at least once, as EventBridge itself delivers it.
    assert.equal(actions.filter((action) => action === 'PutEvents').length, 2);
  });

  void it('whenever it has restored the database, until it is ended: the reaper removes it, and the next drill passes', async () => {
    await aws.addFault({ kind: 'function-killed', match: `${drillFunction} before STEP SUCCEED database available` });
    const DurableExecutionArn = await startDrill(aws, deployed);
    await eventually('the third invocation that gets no further', async () => {
      const history = await historyOf(DurableExecutionArn);
      const last = history.filter(({ EventType }) => EventType === 'InvocationCompleted').slice(-3);
      return last.length === 3 && last.every((event) => event.InvocationCompletedDetails?.Error?.Payload)
        ? true
        : undefined;
    });
    await lambda().send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    await aws.clearFaults();
    const [name = ''] = await instances();
    assert.match(name, /^drill-\w+-\w+-1-database$/);
    const { removed } = await reapAtOnce(aws, dr, /SiteReaper/);
    assert.ok(removed.join('\n').includes(`DB instance ${name}`), removed.join('\n'));
    await eventually('its end', async () => (await instances()).length === 0 || undefined);
    await passes();
  });
});
