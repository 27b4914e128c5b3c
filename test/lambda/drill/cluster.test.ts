// An Aurora cluster: AWS Backup restores it without instances, and the drill creates one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterMetadataOf } from '../../../lambda/drill/cluster-metadata';
import type { DrillReport } from '../../../lambda/drill/contract';
import { writerIdentifierOf } from '../../../lambda/drill/restored-cluster';
import { AURORA_PLAN, auroraSite, type FakeSite, named, reportOf, runDrill, summaryOf } from './fake-site';

describe('metadata of the restore job of a cluster', () => {
  const cluster = {
    identifier: 'drill-1',
    subnetGroup: 'dr-subnets',
    securityGroupId: 'sg-0dr',
    mode: 'drill',
    groups: {},
  } as const;
  const always = {
    DBClusterIdentifier: 'drill-1',
    DBSubnetGroupName: 'dr-subnets',
    VpcSecurityGroupIds: '["sg-0dr"]',
    DeletionProtection: 'false',
  };

  it('keep what makes the same engine, under the names of RDS, however AWS Backup spells them', () => {
    const kept = { Engine: 'aurora-mysql', EngineVersion: '8.0.mysql_aurora.3.08.0', Port: '3307' };
    assert.deepEqual(clusterMetadataOf(kept, cluster), { ...kept, ...always });
    assert.deepEqual(
      clusterMetadataOf({ engine: 'aurora-mysql', engineVersion: '8.0.mysql_aurora.3.08.0', port: '3307' }, cluster),
      { ...kept, ...always },
    );
  });

  it('leave out what is empty, and what the primary Region alone has', () => {
    const noted = {
      DatabaseName: '',
      EngineMode: 'null',
      Port: undefined,
      dbClusterIdentifier: 'is',
      AvailabilityZones: '["eu-west-1a"]',
      dbClusterParameterGroupName: 'is-parameters',
      dbSubnetGroupName: 'primary-subnets',
      vpcSecurityGroupIds: '["sg-0primary"]',
      KmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/1',
      OptionGroupName: 'default:aurora-mysql-8-0',
    };
    assert.deepEqual(clusterMetadataOf(noted, cluster), always);
  });

  it('protect what a recovery keeps', () => {
    assert.equal(clusterMetadataOf({}, { ...cluster, mode: 'recover' })['DeletionProtection'], 'true');
  });
});

describe('identifier of the instance in a cluster', () => {
  for (const [cluster, instance] of [
    ['drill-20261124t042500-1a2b3c4d-1-is', 'drill-20261124t042500-1a2b3c4d-1-is-1'],
    ['a'.repeat(61), `${'a'.repeat(61)}-1`],
    ['a'.repeat(62), `${'a'.repeat(61)}-1`],
    [`${'a'.repeat(60)}-bc`, `${'a'.repeat(60)}-1`],
  ] as const) {
    it(`of ${cluster}`, () => assert.equal(writerIdentifierOf(cluster), instance));
  }
});

/** What a drill or recovery of a cluster creates, by name of the call. */
const created = (site: FakeSite) => site.inputsOf('RDS.CreateDBInstance');

describe('a drill of an Aurora cluster', () => {
  it('restores the cluster, creates an instance in it, checks by the endpoint of the cluster, and removes both', async () => {
    const site = auroraSite();
    await runDrill(site);
    const report = reportOf(site);
    const id = `${report.drillId}-1-is-db`;
    assert.equal(report.verdict, 'PASSED', report.causes.join());
    const [job] = site.inputsOf('Backup.StartRestoreJob');
    assert.equal(job?.['ResourceType'], 'Aurora');
    assert.deepEqual(job?.['Metadata'], {
      Engine: 'aurora-postgresql',
      EngineMode: 'provisioned',
      EngineVersion: '16.4',
      Port: '5432',
      DBClusterIdentifier: id,
      DBSubnetGroupName: 'dr-subnets',
      VpcSecurityGroupIds: '["sg-0dr"]',
      DBClusterParameterGroupName: 'dr-parameters',
      DeletionProtection: 'false',
    });
    const tag = { Key: 'wso2is-recovery:drill', Value: report.drillId };
    assert.deepEqual(site.inputsOf('RDS.AddTagsToResource'), [
      { ResourceName: `arn:aws:rds:eu-central-1:111122223333:cluster:${id}`, Tags: [tag] },
    ]);
    assert.deepEqual(created(site), [
      {
        DBInstanceIdentifier: `${id}-1`,
        DBClusterIdentifier: id,
        DBInstanceClass: 'db.t4g.medium',
        Engine: 'aurora-postgresql',
        DBSubnetGroupName: 'dr-subnets',
        PubliclyAccessible: false,
        Tags: [tag],
      },
    ]);
    assert.equal(site.checkEvent?.databases[0]?.host, `${id}.cluster-c1.internal`);
    assert.deepEqual(
      site.calls.filter(({ name }) => name.startsWith('RDS.Delete')),
      [
        { name: 'RDS.DeleteDBInstance', input: { DBInstanceIdentifier: `${id}-1` } },
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
    const [database] = AURORA_PLAN.databases;
    const classes = { instanceClass: 'db.r8g.large', drillInstanceClass: 'db.r8g.medium' };
    const site = auroraSite({ ...AURORA_PLAN, databases: [{ ...database!, ...classes }] });
    await runDrill(site);
    assert.equal(created(site)[0]?.['DBInstanceClass'], 'db.r8g.medium');
  });

  for (const { what, breakIt, cause, made } of [
    {
      what: 'the restore job fails',
      breakIt: (site: FakeSite) => (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'ClusterQuotaExceeded' }),
      cause: /^is-db: not restored: restore of is-db: restore job .* FAILED: ClusterQuotaExceeded$/,
      made: 0,
    },
    {
      what: 'the cluster comes up without the key of its storage',
      breakIt: (site: FakeSite) => (site.restoredStatus = 'inaccessible-encryption-credentials'),
      cause: /^is-db: not restored: cluster of is-db available: DB cluster .* is inaccessible-encryption-credentials$/,
      made: 0,
    },
    {
      what: 'RDS refuses the instance',
      breakIt: (site: FakeSite) =>
        site.faults.set('RDS.CreateDBInstance', () => {
          throw named('InstanceQuotaExceededFault', 'at most 40');
        }),
      cause: /^is-db: not restored: create instance of is-db: InstanceQuotaExceededFault: at most 40$/,
      made: 1,
    },
    {
      what: 'the instance comes up with broken parameters',
      breakIt: (site: FakeSite) => (site.createdStatus = 'incompatible-parameters'),
      cause: /^is-db: not restored: is-db available: DB instance .*-1-is-db-1 is incompatible-parameters$/,
      made: 1,
    },
  ]) {
    it(`FAILED where ${what}, and nothing is left`, async () => {
      const site = auroraSite();
      breakIt(site);
      await runDrill(site);
      const report = reportOf(site);
      assert.equal(report.verdict, 'FAILED');
      assert.match(report.causes[0] ?? '', cause);
      assert.equal(created(site).length, made);
      assert.deepEqual([[...site.clusters], [...site.instances]], [[], []]);
      assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    });
  }

  it('leaves an instance of that name alone that is not its own, and the cluster with it', async () => {
    const site = auroraSite();
    site.faults.set('RDS.CreateDBInstance', ({ DBInstanceIdentifier, DBClusterIdentifier }) => {
      const identifier = DBInstanceIdentifier as string;
      site.instances.set(identifier, {
        arn: `arn:aws:rds:eu-central-1:111122223333:db:${identifier}`,
        status: 'available',
        tags: new Map(),
        looks: 9,
        cluster: DBClusterIdentifier as string,
      });
    });
    await runDrill(site);
    const report = reportOf(site);
    assert.match(report.causes[0] ?? '', /is there already in eu-central-1, and does not carry the tag/);
    assert.match(
      report.cleanUp.leftBehind.join(),
      /^DB cluster drill-.*-1-is-db \(is-db\): .*:db:drill-.* does not carry/,
    );
    assert.deepEqual([site.clusters.size, site.instances.size], [1, 1]);
    assert.deepEqual(
      site.calls.filter(({ name }) => name.startsWith('RDS.Delete')),
      [],
    );
  });

  it('PASSED where every kind of call is throttled twice', async () => {
    for (const name of ['RDS.DescribeDBClusters', 'RDS.CreateDBInstance', 'RDS.DeleteDBCluster']) {
      const site = auroraSite();
      let left = 2;
      site.faults.set(name, () => {
        if (left-- > 0) throw named('ThrottlingException', 'Rate exceeded');
      });
      await runDrill(site);
      assert.equal(reportOf(site).verdict, 'PASSED', `${name}: ${reportOf(site).causes.join()}`);
      assert.deepEqual([left < 0, site.clusters.size, site.instances.size], [true, 0, 0], name);
    }
  });
});

describe('a recovery of an Aurora cluster', () => {
  const recover = async (site: FakeSite) => {
    const { result } = await runDrill(site, { deployment: 'prod', mode: 'recover' });
    return JSON.parse(site.objects.get(summaryOf(result).reportKey) ?? '') as DrillReport;
  };

  it('keeps cluster and instance, with the class of production, and says what to add', async () => {
    const [database] = AURORA_PLAN.databases;
    const site = auroraSite({ ...AURORA_PLAN, databases: [{ ...database!, instanceClass: 'db.r8g.large' }] });
    const report = await recover(site);
    const id = `${report.drillId}-1-is-db`;
    assert.equal(report.verdict, 'PASSED', report.causes.join());
    assert.equal(created(site)[0]?.['DBInstanceClass'], 'db.r8g.large');
    const tags = [['wso2is-recovery:recovery', report.drillId]];
    assert.deepEqual(
      [...site.clusters].map(([name, { tags }]) => [name, [...tags]]),
      [[id, tags]],
    );
    assert.deepEqual(
      [...site.instances].map(([name, { tags }]) => [name, [...tags]]),
      [[`${id}-1`, tags]],
    );
    const [kept] = report.recovery?.databases ?? [];
    assert.deepEqual([kept?.kind, kept?.identifier, kept?.host], ['aurora-cluster', id, `${id}.cluster-c1.internal`]);
    assert.equal(
      report.recovery?.notes[0],
      'is-db has one instance of the class db.r8g.large: give the cluster the class and the readers that production has',
    );
    assert.deepEqual(
      site.calls.filter(({ name }) => name.startsWith('RDS.Delete')),
      [],
    );
  });

  it('takes the small class where that of production is not known, and says so', async () => {
    const site = auroraSite();
    const report = await recover(site);
    assert.equal(created(site)[0]?.['DBInstanceClass'], 'db.t4g.medium');
    assert.match(report.recovery?.notes.join() ?? '', /is-db has one instance of the class db\.t4g\.medium: give/);
  });
});
