// The life of a deployment whose databases are on an Aurora cluster: restored from its copy at the DR site and to a moment in the
// primary Region, each with an instance of its own, cleaned up whatever happens, and kept by a recovery.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { DeleteDBClusterCommand, DescribeDBClustersCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import type { RecoverResult } from '../../bin/recovery/drill/recover-site';
import type { DrillReport } from '../../lambda/drill/contract';
import { REGIONS } from '../../local/demo/configuration';
import type { Deployed } from '../../local/demo/deployed';
import { drill, losePrimaryRegion } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withClient } from '../../local/sample/sql-client';
import { assertOnlyItsOwn } from './own-calls';
import { QUICK } from './quick';
import { runForJson } from './run-command';
import { deploySample, takeRecoverySet } from './sample';

const { primary, dr } = REGIONS;

void describe('the life of a deployment on an Aurora cluster', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;

  before(async () => {
    aws = await startLocalAws({ durations: { ...QUICK, logShippingSeconds: 0.2 }, automatedBackups: true });
    deployed = await deploySample(aws, { app: 'node --import tsx test/life/aurora-app.ts' });
    await takeRecoverySet(aws, deployed);
  });
  after(() => aws?.stop());
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
});
