// A Multi-AZ DB cluster: AWS Backup restores it, in its Region alone, and RDS makes its instances with it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrillReport } from '../../../lambda/drill/contract';
import type { DatabaseEntry } from '../../../lib/planning/plan-document';
import { auroraSite, CLUSTER_ARN, type FakeSite, PLAN, reportOf, runDrill, summaryOf } from './fake-site';

const SETTINGS = { site: 'in-region', region: 'eu-west-1' } as const;

function region(given: Partial<DatabaseEntry> = {}): FakeSite {
  const [database] = PLAN.databases;
  const kind = 'multi-az-cluster' as const;
  const site = auroraSite({ ...PLAN, databases: [{ ...database!, kind, resourceArn: CLUSTER_ARN, ...given }] });
  site.clusterMetadata = {
    DBClusterIdentifier: 'is',
    DBClusterInstanceClass: 'db.m6gd.large',
    Engine: 'postgres',
    EngineMode: 'provisioned',
    EngineVersion: '16.4',
    Port: '5432',
    StorageType: 'io1',
    Iops: '3000',
    AllocatedStorage: '100',
    OptionGroupName: 'default:postgres-16',
    DBClusterParameterGroupName: 'is-parameters',
    DBSubnetGroupName: 'primary-subnets',
    VpcSecurityGroupIds: '["sg-0primary"]',
  };
  return site;
}

const metadataOf = (site: FakeSite) =>
  site.inputsOf('Backup.StartRestoreJob')[0]?.['Metadata'] as Record<string, string> | undefined;

describe('a drill of a Multi-AZ DB cluster in its Region', () => {
  it('restores it with class, storage and IOPS of production, creates no instance, and deletes the cluster alone', async () => {
    const site = region();
    await runDrill(site, undefined, { settings: SETTINGS });
    const report = reportOf(site);
    const id = `${report.drillId}-1-is-db`;
    assert.equal(report.verdict, 'PASSED', [...report.causes, ...report.warnings].join());
    assert.equal(site.inputsOf('Backup.StartRestoreJob')[0]?.['ResourceType'], 'RDS');
    assert.deepEqual(metadataOf(site), {
      DBClusterInstanceClass: 'db.m6gd.large',
      Engine: 'postgres',
      EngineVersion: '16.4',
      Port: '5432',
      StorageType: 'io1',
      Iops: '3000',
      DBClusterIdentifier: id,
      DBSubnetGroupName: 'dr-subnets',
      VpcSecurityGroupIds: '["sg-0dr"]',
      DBClusterParameterGroupName: 'is-parameters',
      DeletionProtection: 'false',
      PubliclyAccessible: 'false',
    });
    assert.deepEqual(site.inputsOf('RDS.CreateDBInstance'), []);
    assert.equal(site.checkEvent?.databases[0]?.host, `${id}.cluster-c1.internal`);
    assert.deepEqual(
      site.calls.filter(({ name }) => name.startsWith('RDS.Delete')),
      [
        {
          name: 'RDS.DeleteDBCluster',
          input: { DBClusterIdentifier: id, SkipFinalSnapshot: true, DeleteAutomatedBackups: true },
        },
      ],
    );
    assert.deepEqual([[...site.clusters], [...site.instances]], [[], []]);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
  });

  it('takes the class that the plan gives drills', async () => {
    const site = region({ instanceClass: 'db.m6gd.xlarge', drillInstanceClass: 'db.c6gd.medium' });
    await runDrill(site, undefined, { settings: SETTINGS });
    assert.equal(metadataOf(site)?.['DBClusterInstanceClass'], 'db.c6gd.medium');
  });

  it('FAILED where the restore job fails, and nothing is left', async () => {
    const site = region();
    site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'ClusterQuotaExceeded' };
    await runDrill(site, undefined, { settings: SETTINGS });
    assert.equal(reportOf(site).verdict, 'FAILED');
    assert.match(reportOf(site).causes[0] ?? '', /^is-db: not restored: .*: ClusterQuotaExceeded$/);
    assert.deepEqual([reportOf(site).cleanUp.complete, site.clusters.size], [true, 0]);
  });
});

describe('a recovery of a Multi-AZ DB cluster in its Region', () => {
  it('keeps it, protected, with its three instances and the class of production', async () => {
    const site = region({ drillInstanceClass: 'db.c6gd.medium' });
    const { result } = await runDrill(site, { deployment: 'prod', mode: 'recover' }, { settings: SETTINGS });
    const report = JSON.parse(site.objects.get(summaryOf(result).reportKey) ?? '') as DrillReport;
    assert.equal(report.verdict, 'PASSED', [...report.causes, ...report.warnings].join());
    const metadata = metadataOf(site);
    assert.deepEqual(
      [metadata?.['DBClusterInstanceClass'], metadata?.['DeletionProtection']],
      ['db.m6gd.large', 'true'],
    );
    assert.deepEqual([site.clusters.size, site.instances.size], [1, 3]);
    const [kept] = report.recovery?.databases ?? [];
    assert.deepEqual([kept?.kind, kept?.identifier], ['multi-az-cluster', `${report.drillId}-1-is-db`]);
  });
});
