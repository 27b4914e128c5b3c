// Parameter and option groups of what is restored: decided, handed over by each way to restore, and said in the report.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrillReport } from '../../../lambda/drill/contract';
import { restoreMetadataOf } from '../../../lambda/drill/restore-metadata';
import { serverGroups } from '../../../lambda/drill/server-groups';
import type { DatabaseEntry, RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import {
  AURORA_PLAN,
  auroraSite,
  automatedBackup,
  FakeSite,
  PLAN,
  REPLICATED_PLAN,
  reportOf,
  runDrill,
  summaryOf,
} from './fake-site';

const instance = { kind: 'rds-instance' } as const;
const cluster = { kind: 'aurora-cluster' } as const;
const warningOf = (word: string, production: string, property: string) =>
  `it was restored with the default ${word} of its engine, and production has ${production}: make one with the same values in ` +
  `the DR Region and name it by \`${property}\``;

describe('groups of a restored server', () => {
  for (const { what, entry, site, noted, groups } of [
    { what: 'nothing known, nothing named', entry: instance, site: 'dr-site', noted: {}, groups: { warnings: [] } },
    {
      what: 'defaults in production',
      entry: instance,
      site: 'dr-site',
      noted: { DBParameterGroupName: 'default.postgres17', OptionGroupName: 'default:postgres-17' },
      groups: { warnings: [] },
    },
    {
      what: 'own ones in production, none named at the DR site',
      entry: instance,
      site: 'dr-site',
      noted: { DBParameterGroupName: 'is-params', OptionGroupName: 'is-options' },
      groups: {
        warnings: [
          warningOf('parameter group', 'is-params', 'drSiteParameterGroup'),
          warningOf('option group', 'is-options', 'drSiteOptionGroup'),
        ],
      },
    },
    {
      what: 'own ones that the plan alone knows',
      entry: { ...instance, parameterGroup: 'is-params', optionGroup: 'default:mysql-8-4' },
      site: 'dr-site',
      noted: {},
      groups: { warnings: [warningOf('parameter group', 'is-params', 'drSiteParameterGroup')] },
    },
    {
      what: 'named at the DR site',
      entry: { ...instance, drSiteParameterGroup: 'dr-params', drSiteOptionGroup: 'dr-options' },
      site: 'dr-site',
      noted: { DBParameterGroupName: 'is-params', OptionGroupName: 'is-options' },
      groups: { parameterGroup: 'dr-params', optionGroup: 'dr-options', warnings: [] },
    },
    {
      what: 'the default one, accepted by its name',
      entry: { ...instance, drSiteParameterGroup: 'default.postgres17' },
      site: 'dr-site',
      noted: { DBParameterGroupName: 'is-params' },
      groups: { parameterGroup: 'default.postgres17', warnings: [] },
    },
    {
      what: 'those of production in its own Region, whatever the DR site has',
      entry: { ...instance, drSiteParameterGroup: 'dr-params', drSiteOptionGroup: 'dr-options' },
      site: 'in-region',
      noted: { dbParameterGroupName: 'is-params', OptionGroupName: 'default:postgres-17' },
      groups: { parameterGroup: 'is-params', warnings: [] },
    },
    {
      what: 'of a cluster: its cluster parameter group, and no option group',
      entry: cluster,
      site: 'in-region',
      noted: { dbClusterParameterGroupName: 'is-cluster', OptionGroupName: 'is-options' },
      groups: { parameterGroup: 'is-cluster', warnings: [] },
    },
    {
      what: 'of a cluster at the DR site',
      entry: { ...cluster, drSiteParameterGroup: 'dr-cluster' },
      site: 'dr-site',
      noted: { dbClusterParameterGroupName: 'is-cluster' },
      groups: { parameterGroup: 'dr-cluster', warnings: [] },
    },
  ] as const) {
    it(`${what}, ${site}`, () => assert.deepEqual(serverGroups(entry, site, noted), groups));
  }
});

it('metadata of an instance name the groups, the class of drills, and nothing else of the primary Region', () => {
  const server = {
    identifier: 'drill-1',
    subnetGroup: 'dr-subnets',
    securityGroupId: 'sg-0dr',
    mode: 'drill',
    groups: { parameterGroup: 'dr-params', optionGroup: 'dr-options' },
    instanceClass: 'db.t4g.large',
  } as const;
  const noted = { DBInstanceClass: 'db.r8g.4xlarge', KmsKeyId: 'key', AvailabilityZone: 'eu-west-1a', MultiAZ: 'true' };
  assert.deepEqual(restoreMetadataOf(noted, server), {
    DBInstanceClass: 'db.t4g.large',
    DBInstanceIdentifier: 'drill-1',
    DBSubnetGroupName: 'dr-subnets',
    VpcSecurityGroupIds: '["sg-0dr"]',
    DBParameterGroupName: 'dr-params',
    OptionGroupName: 'dr-options',
    MultiAZ: 'false',
    PubliclyAccessible: 'false',
    DeletionProtection: 'false',
  });
});

const withEntry = (plan: RecoveryPlanDocument, more: Partial<DatabaseEntry>): RecoveryPlanDocument => ({
  ...plan,
  databases: plan.databases.map((entry) => ({ ...entry, ...more })),
});

function siteWith(plan: RecoveryPlanDocument): FakeSite {
  const site = new FakeSite();
  site.objects.set('plans/prod.json', JSON.stringify(plan));
  return site;
}

const named = {
  drSiteParameterGroup: 'dr-params',
  drSiteOptionGroup: 'dr-options',
  drillInstanceClass: 'db.t4g.large',
};

describe('a drill', () => {
  it('restores a copy with the groups and the class that the plan names', async () => {
    const site = siteWith(withEntry(PLAN, named));
    await runDrill(site);
    const metadata = site.inputsOf('Backup.StartRestoreJob')[0]?.['Metadata'] as Record<string, string>;
    assert.deepEqual(
      [metadata['DBParameterGroupName'], metadata['OptionGroupName'], metadata['DBInstanceClass']],
      ['dr-params', 'dr-options', 'db.t4g.large'],
    );
    assert.equal(reportOf(site).verdict, 'PASSED');
  });

  it('restores a replicated automated backup with them too', async () => {
    const site = siteWith(withEntry(REPLICATED_PLAN, named));
    site.automatedBackups = [automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z')];
    await runDrill(site);
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.deepEqual(
      [input?.['DBParameterGroupName'], input?.['OptionGroupName'], input?.['DBInstanceClass']],
      ['dr-params', 'dr-options', 'db.t4g.large'],
    );
    assert.equal(reportOf(site).verdict, 'PASSED');
  });

  it('restores a cluster with its cluster parameter group', async () => {
    const site = auroraSite(withEntry(AURORA_PLAN, { drSiteParameterGroup: 'dr-cluster' }));
    await runDrill(site);
    const metadata = site.inputsOf('Backup.StartRestoreJob')[0]?.['Metadata'] as Record<string, string>;
    assert.equal(metadata['DBClusterParameterGroupName'], 'dr-cluster');
    assert.equal(reportOf(site).verdict, 'PASSED');
  });

  it('warns where production has a group of its own, by name, once a component', async () => {
    const site = siteWith(withEntry(PLAN, { parameterGroup: 'is-params' }));
    await runDrill(site);
    const report = reportOf(site);
    const warning = `is-db: ${warningOf('parameter group', 'is-params', 'drSiteParameterGroup')}`;
    assert.deepEqual([report.verdict, report.warnings], ['PASSED_WITH_WARNINGS', [warning]]);
    assert.deepEqual([report.components[0]?.verdict, report.components[0]?.reason], ['PASSED_WITH_WARNINGS', warning]);
  });
});

it('a recovery takes the groups of the DR site, and the class of production', async () => {
  const site = siteWith(withEntry(PLAN, named));
  const { result } = await runDrill(site, { deployment: 'prod', mode: 'recover' });
  const report = JSON.parse(site.objects.get(summaryOf(result).reportKey) ?? '') as DrillReport;
  const metadata = site.inputsOf('Backup.StartRestoreJob')[0]?.['Metadata'] as Record<string, string>;
  assert.deepEqual([metadata['DBParameterGroupName'], metadata['DBInstanceClass']], ['dr-params', 'db.t4g.micro']);
  assert.equal(report.verdict, 'PASSED', report.causes.join());
});
