// The life of a deployment whose databases are on an Aurora cluster: restored from its copy at the DR site and to a moment in the
// primary Region, each with an instance of its own, cleaned up whatever happens, and kept by a recovery.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient, StopDurableExecutionCommand } from '@aws-sdk/client-lambda';
import {
  DeleteDBClusterCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import type { RecoverResult } from '../../bin/recovery/drill/recover-site';
import type { DrillReport } from '../../lambda/drill/contract';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { drill, losePrimaryRegion, startDrill } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withClient } from '../../local/sample/sql-client';
import { eventually } from '../local/stack';
import { assertOnlyItsOwn } from './own-calls';
import { Pager } from './pager';
import { QUICK } from './quick';
import { reapAtOnce } from './reaping';
import { runForJson } from './run-command';
import { deploySample, takeRecoverySet } from './sample';

const { primary, dr } = REGIONS;

void describe('the life of a deployment on an Aurora cluster', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  const pager = new Pager();

  before(async () => {
    aws = await startLocalAws({ durations: { ...QUICK, logShippingSeconds: 0.2 }, automatedBackups: true });
    deployed = await deploySample(aws, { app: 'node --import tsx test/life/aurora-app.ts' });
    // RDS restores to whole seconds: what was written in the second of the export may not be in it yet.
    await sleep(1100);
    await takeRecoverySet(aws, deployed);
    await pager.subscribe(aws, dr);
  });
  after(async () => {
    pager.stop();
    await aws?.stop();
  });
  afterEach(() => aws.clearFaults());

  /** Clusters and instances of a Region, but for those of production. */
  async function made(region: string): Promise<(string | undefined)[]> {
    const rds = new RDSClient(aws.clientConfig(region));
    const { DBClusters = [] } = await rds.send(new DescribeDBClustersCommand({}));
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}));
    return [
      ...DBClusters.map(({ DBClusterIdentifier }) => DBClusterIdentifier),
      ...DBInstances.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    ].filter((name) => !name!.startsWith('identityserver'));
  }

  async function isAvailable(DBInstanceIdentifier: string): Promise<boolean> {
    const rds = new RDSClient(aws.clientConfig(dr));
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    return DBInstances![0]!.DBInstanceStatus === 'available';
  }

  async function assertNothingLeft(report: DrillReport, region = dr): Promise<void> {
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.deepEqual(await made(region), []);
  }

  void it('PASSED at the DR site, from the copy of the snapshot of the cluster', async () => {
    const earlier = (await aws.calls()).length;
    const report = await drill(aws, deployed);
    assert.deepEqual(report.causes, []);
    assert.equal(report.verdict, 'PASSED');
    const [database] = report.components;
    assert.match(database!.restoredFrom ?? '', /^arn:aws:rds:eu-west-1:\d{12}:cluster-snapshot:awsbackup:copyjob-/);
    assert.equal(report.checks.find(({ check }) => check === 'tenants-agree')?.compared.tenantsInDatabase, 10);
    await assertNothingLeft(report);
    assertOnlyItsOwn((await aws.calls()).slice(earlier), report.drillId);
  });

  void it('FAILED where the restored cluster is damaged, and where no instance can be created in it', async () => {
    await aws.addFault({
      kind: 'restore-job-damages',
      match: ':rds:',
      database: 'identity_db',
      message: 'DROP TABLE idn_oauth2_access_token CASCADE',
    });
    const damaged = await drill(aws, deployed);
    assert.equal(damaged.verdict, 'FAILED');
    assert.match(damaged.causes[0]!, /^database: tables-present: .*IDN_OAUTH2_ACCESS_TOKEN/);
    await assertNothingLeft(damaged);
    await aws.clearFaults();

    await aws.addFault({ kind: 'instance-quota-reached', match: dr, message: 'the quota of 40 instances is reached' });
    const full = await drill(aws, deployed);
    assert.equal(full.verdict, 'FAILED');
    assert.match(full.causes[0]!, /^database: not restored: .*the quota of 40 instances is reached/);
    await assertNothingLeft(full);
  });

  void it('a drill that is ended once its instance is there: the reaper removes instance and cluster, and tells it once', async () => {
    // It cannot clean up before it is ended.
    for (const action of ['DeleteDBInstance', 'DeleteDBCluster']) {
      await aws.addFault({
        kind: 'call-fails',
        match: `${dr} rds:${action}`,
        code: 'InternalFailure',
        message: 'later',
      });
    }
    const DurableExecutionArn = await startDrill(aws, deployed);
    const [cluster, instance] = await eventually('both', async () => {
      const names = await made(dr);
      return names.length === 2 && (await isAvailable(names[1]!)) ? names : undefined;
    });
    const lambda = new LambdaClient(aws.clientConfig(dr));
    await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
    await aws.clearFaults();
    // As long as its instance is there, which is minutes on AWS.
    await aws.addFault({
      kind: 'call-fails',
      match: `${dr} rds:DeleteDBCluster`,
      code: 'InvalidDBClusterStateFault',
      message: 'Cluster cannot be deleted, it still contains DB instances in non-deleting state.',
      times: 1,
    });
    const drillId = /^drill-\w+-\w+(?=-1-database$)/.exec(cluster!)?.[0];
    assert.equal(instance, `${cluster}-1`);
    const removed: string[] = [];
    await eventually('their end', async () => {
      removed.push(...(await reapAtOnce(aws, dr)).removed);
      return (await made(dr)).length === 0 || undefined;
    });
    assert.deepEqual(removed, [
      `DB instance ${instance}`,
      `folder ${drillId} on the restore volume`,
      `DB cluster ${cluster}`,
    ]);
    await pager.hear(dr, new RegExp(`^Leftovers of ${drillId} were removed\n`));
    // By now a second one would be there: the last run had nothing left to do.
    const told = pager.told(dr).filter(({ subject }) => subject.includes('Leftovers of'));
    assert.deepEqual(
      told.map(({ message }) => message),
      [
        `The drill ${drillId} ended, and did not remove all that it had made. The reaper removed:
- DB instance ${instance}
- folder ${drillId} on the restore volume

It goes on with this at its next runs, of which it says no more unless they fail:
- DB cluster ${cluster}: its instances have to be gone first

It left no report below s3://${deployed.replicaBucket}/drills/, so nothing is proven by it. If no later drill left one, start it again: wso2is-recovery drill
`,
      ],
    );
  });

  void it('in the primary Region PASSED, restored by RDS to a moment', async () => {
    const { report } = await runForJson<{ report: DrillReport }>(aws, dr, 0, 'drill', '--site', 'primary');
    assert.deepEqual([report.verdict, report.causes, report.region], ['PASSED', [], primary]);
    const [database] = report.components;
    assert.equal(database!.technique, 'backup-continuous');
    assert.match(database!.restoredFrom ?? '', /^cluster-/);
    assert.ok(report.skewSeconds! < 1, `skew ${report.skewSeconds}`);
    await assertNothingLeft(report, primary);
  });

  void it('is recovered at the DR site once the primary Region is gone, and kept', async () => {
    await losePrimaryRegion(aws, deployed);
    const result = await runForJson<RecoverResult>(aws, dr, 0, 'recover', '--site', 'dr', '--yes');
    assert.ok(!result.dryRun && 'report' in result);
    assert.deepEqual([result.report.verdict, result.report.causes], ['PASSED', []]);
    const [database] = result.report.recovery!.databases;
    assert.deepEqual(await made(dr), [database!.identifier, `${database!.identifier}-1`]);
    const server = { ...deployed.databases[0]!.server, host: database!.host, port: database!.port };
    const { rows } = await withClient(server, 'shared_db', (client) => client.query('SELECT um_id FROM um_tenant'));
    assert.equal(rows.length, 10);
    await assert.rejects(
      new RDSClient(aws.clientConfig(dr)).send(
        new DeleteDBClusterCommand({ DBClusterIdentifier: database!.identifier, SkipFinalSnapshot: true }),
      ),
      /contains DB instances|DeletionProtection/,
    );
    // No reaper removes what was recovered.
    assert.deepEqual((await reapAtOnce(aws, dr)).removed, []);
  });
});
