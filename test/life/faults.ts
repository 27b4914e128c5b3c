// Drills to which something happens on the way: the right verdict with its first cause, nothing of theirs left, and no
// changing call outside what is theirs. A part of life.test.ts, whose deployment they share.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupClient, DeleteRecoveryPointCommand, ListRestoreJobsCommand } from '@aws-sdk/client-backup';
import {
  GetDurableExecutionCommand,
  LambdaClient,
  paginateListFunctions,
  StopDurableExecutionCommand,
  type FunctionConfiguration,
} from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import type { DrillReport } from '../../lambda/drill/contract';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { followDrill, startDrill } from '../../local/demo/life';
import type { Fault, LocalAws } from '../../local/local-aws';
import { assertOnlyItsOwn } from './own-calls';
import { reap, reapAtOnce, withoutHaste } from './reaping';

const DR = REGIONS.dr;

interface Row {
  readonly what: string;
  readonly faults: readonly Fault[];
  readonly verdict: DrillReport['verdict'];
  /** Of the first cause. */
  readonly cause?: RegExp;
}

/** Stands in `match` for the name of the site's check function. */
const CHECK = 'the check function';

const ROWS: readonly Row[] = [
  {
    what: 'calls are throttled many times in a row, and the restore job is slow',
    faults: [
      { kind: 'call-throttled', match: `${DR} backup:`, times: 8 },
      { kind: 'call-throttled', match: `${DR} rds:`, times: 8 },
      { kind: 'call-throttled', match: `${DR} s3:`, times: 8 },
      { kind: 'restore-job-slow', match: ':rds:', seconds: 0.5 },
    ],
    verdict: 'PASSED',
  },
  {
    what: 'the restore job completes with a damaged database',
    faults: [
      {
        kind: 'restore-job-damages',
        match: ':rds:',
        database: 'identity_db',
        message: 'DROP TABLE idn_oauth2_access_token CASCADE',
      },
    ],
    verdict: 'FAILED',
    cause: /^database: tables-present: .*IDN_OAUTH2_ACCESS_TOKEN/,
  },
  {
    what: 'the quota of DB instances is reached',
    faults: [{ kind: 'instance-quota-reached', match: DR, message: 'the quota of 40 DB instances is reached' }],
    verdict: 'FAILED',
    cause: /^database: not restored: .*the quota of 40 DB instances is reached .*InstanceQuotaExceeded/,
  },
  {
    what: 'the check function throws',
    faults: [{ kind: 'function-fails', match: CHECK, message: 'a driver is missing' }],
    verdict: 'FAILED',
    cause: /^checks: .*a driver is missing/,
  },
  {
    what: 'the check function hangs until its time-out',
    faults: [{ kind: 'function-times-out', match: CHECK }],
    verdict: 'FAILED',
    cause: /^checks: .*Task timed out after \d+\.00 seconds/,
  },
  {
    what: 'the check function answers something else than its contract',
    faults: [{ kind: 'function-answers', match: CHECK, message: '{"checks":[{"status":"PASSED"}]}' }],
    verdict: 'FAILED',
    cause: /a check of another shape than its contract's/,
  },
];

/** Registers the tests; a recovery set is at the DR site, of which the last test deletes the database's point. */
export function describeFaults(life: () => { readonly aws: LocalAws; readonly deployed: Deployed }): void {
  let aws: LocalAws;
  let deployed: Deployed;
  let lambda: LambdaClient;
  let backup: BackupClient;
  let functions: readonly FunctionConfiguration[];

  before(async () => {
    ({ aws, deployed } = life());
    lambda = new LambdaClient(aws.clientConfig(DR));
    backup = new BackupClient(aws.clientConfig(DR));
    const found: FunctionConfiguration[] = [];
    for await (const { Functions } of paginateListFunctions({ client: lambda }, {})) found.push(...(Functions ?? []));
    functions = found;
  });
  afterEach(() => aws.clearFaults());

  const variables = ({ Environment }: FunctionConfiguration) => Environment?.Variables ?? {};
  const drillVariables = () =>
    variables(functions.find(({ FunctionName }) => FunctionName === deployed.drill.functionName)!);
  const checkFunction = () => drillVariables()['CHECK_FUNCTION']!;

  async function assertNothingLeft(): Promise<void> {
    const { DBInstances } = await new RDSClient(aws.clientConfig(DR)).send(new DescribeDBInstancesCommand({}));
    assert.deepEqual(
      DBInstances!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
      [],
    );
    const drills = join(aws.fileSystemPath(drillVariables()['RESTORE_FILE_SYSTEM_ID']!), 'drills');
    assert.deepEqual(existsSync(drills) ? readdirSync(drills) : [], []);
  }

  for (const { what, faults, verdict, cause } of ROWS) {
    void it(`${verdict} where ${what}`, async () => {
      for (const fault of faults) {
        await aws.addFault({ ...fault, match: fault.match === CHECK ? checkFunction() : fault.match });
      }
      const earlier = (await aws.calls()).length;
      const report = await followDrill(aws, deployed, await startDrill(aws, deployed));
      assert.equal(report.verdict, verdict, report.causes.join('\n'));
      if (cause === undefined) assert.deepEqual([...report.causes, ...report.warnings], []);
      else assert.match(report.causes[0]!, cause);
      assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
      await assertNothingLeft();
      const calls = (await aws.calls()).slice(earlier);
      assertOnlyItsOwn(calls, report.drillId);
      const throttled = faults.reduce((sum, { kind, times = 0 }) => sum + (kind === 'call-throttled' ? times : 0), 0);
      assert.equal(calls.filter(({ status }) => status === 400 || status === 503).length, throttled);
    });
  }

  /** Until the restore job of the drill that was just started runs. */
  async function runningRestore() {
    for (;;) {
      const { RestoreJobs } = await backup.send(new ListRestoreJobsCommand({ ByStatus: 'RUNNING' }));
      if (RestoreJobs?.[0] !== undefined) return RestoreJobs[0];
      await sleep(50);
    }
  }

  void it('a drill that is ended while its restore job hangs: the reaper removes what the job then makes', async () => {
    await aws.addFault({ kind: 'restore-job-hangs', match: ':rds:' });
    const earlier = (await aws.calls()).length;
    const DurableExecutionArn = await startDrill(aws, deployed);
    await runningRestore();
    await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    const { Status } = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
    assert.equal(Status, 'STOPPED');
    await aws.clearFaults();
    const rds = new RDSClient(aws.clientConfig(DR));
    const instances = async () => (await rds.send(new DescribeDBInstancesCommand({}))).DBInstances ?? [];
    while ((await instances())[0]?.DBInstanceStatus !== 'available') await sleep(50);
    const [{ DBInstanceIdentifier: identifier } = {}] = await instances();
    const drillId = /^drill-\w+-\w+(?=-1-database$)/.exec(identifier!)?.[0];
    assert.ok(drillId, identifier);

    // A drill of this age may be alive.
    assert.deepEqual(await reap(aws, DR), { removed: [], waiting: [] });
    assert.equal((await instances()).length, 1);
    const { removed } = await reapAtOnce(aws, DR);
    assert.deepEqual(removed, [`DB instance ${identifier}`, `folder ${drillId} on the restore volume`]);
    while ((await instances()).length > 0) await sleep(50);
    await assertNothingLeft();
    assertOnlyItsOwn(withoutHaste((await aws.calls()).slice(earlier)), drillId);
  });

  void it('FAILED where the recovery point is deleted while it is restored', async () => {
    await aws.addFault({ kind: 'restore-job-hangs', match: ':rds:' });
    const earlier = (await aws.calls()).length;
    const execution = await startDrill(aws, deployed);
    const { RecoveryPointArn } = await runningRestore();
    await backup.send(new DeleteRecoveryPointCommand({ BackupVaultName: deployed.drVaultName, RecoveryPointArn }));
    await aws.clearFaults();
    const report = await followDrill(aws, deployed, execution);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0]!, /^database: not restored: .* FAILED: Recovery point \S+ was deleted meanwhile/);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    await assertNothingLeft();
    assertOnlyItsOwn(
      (await aws.calls())
        .slice(earlier)
        .filter(({ method, path }) => !/^DELETE \/backup-vaults\//.test(`${method} ${path}`)),
      report.drillId,
    );
  });
}
