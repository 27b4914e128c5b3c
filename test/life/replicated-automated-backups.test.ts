// The life of a deployment whose plan counts on RDS's replicated automated backups: `cdk deploy` turns the replication on,
// and drills restore from it to the moment of the export, fall back to the copies, or fail, and say which.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteDBInstanceAutomatedBackupCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  RDSClient,
  StopDBInstanceAutomatedBackupsReplicationCommand,
  type DBInstanceAutomatedBackup,
} from '@aws-sdk/client-rds';
import { DEPLOYMENT, recoveryToml, REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  backUpDatabases,
  bootstrap,
  deploy,
  drill,
  exportArtifacts,
  fill,
  losePrimaryRegion,
  replicated,
  repositoryOf,
  sharedDatabase,
} from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withClient } from '../../local/sample/sql-client';
import { QUICK } from './quick';

const RPO_SECONDS = 2 * 3600;

void describe('the life of a deployment with replicated automated backups', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  let rds: RDSClient;

  before(async () => {
    aws = await startLocalAws({
      durations: { ...QUICK, logShippingSeconds: 0.2, automatedBackupReplicationSeconds: 0.2 },
    });
    rds = new RDSClient(aws.clientConfig(REGIONS.dr));
    const configuration = join(aws.dataDir, 'recovery.toml');
    const objectives = { rpo: '1h', rto: '4h', dr_site: { rpo: '2h', rto: '8h' } };
    writeFileSync(configuration, recoveryToml(aws.accountId, SAMPLE_DEPLOYMENT_TOML, { objectives }));
    await bootstrap(aws, REGIONS);
    await deploy(aws, configuration);
    deployed = await findDeployed(aws, REGIONS, DEPLOYMENT);
    await fill(deployed, { deploymentToml: readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8'), tenants: 30 });
  });
  after(() => aws?.stop());

  const source = () => deployed.databases[0]!.resourceArn;

  async function replica(): Promise<DBInstanceAutomatedBackup | undefined> {
    const { DBInstanceAutomatedBackups } = await rds.send(new DescribeDBInstanceAutomatedBackupsCommand({}));
    return DBInstanceAutomatedBackups?.find(({ DBInstanceArn }) => DBInstanceArn === source());
  }

  /** Until the replica holds what was committed before now. */
  async function databasesReplicated(): Promise<void> {
    const moment = Date.now();
    while (((await replica())?.RestoreWindow?.LatestTime?.getTime() ?? 0) <= moment) await sleep(50);
  }

  async function addTenant(id: number): Promise<void> {
    const { server, databaseName } = sharedDatabase(deployed);
    const statement =
      'INSERT INTO um_tenant (um_id, um_domain_name, um_active, um_created_date) VALUES ($1, $2, true, now())';
    await withClient(server, databaseName, (client) => client.query(statement, [id, `tenant-${id}.example.com`]));
  }

  const addDirectory = (id: number) => mkdir(join(repositoryOf(deployed), 'tenants', String(id)), { recursive: true });

  async function leftInstances(): Promise<number> {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({}));
    return (DBInstances ?? []).length;
  }

  void it('begins with the deployment: the plan counts on it, and RDS replicates with the key of the site', async () => {
    const promise = deployed.plan.plan.find(
      ({ component, site, purpose }) => component === 'database' && site === 'dr-site' && purpose === 'promise',
    );
    assert.equal(promise?.technique, 'rds-automated-backup-replication');
    assert.equal(promise?.worstCaseSeconds, 3900);
    await databasesReplicated();
    const found = await replica();
    assert.equal(found?.Status, 'replicating');
    assert.equal(found?.Region, REGIONS.primary);
    assert.equal(found?.BackupRetentionPeriod, 35);
    assert.match(found?.KmsKeyId ?? '', /^arn:aws:kms:eu-west-1:\d{12}:alias\/wso2is-recovery\//);
  });

  void it('FAILED where the replica is damaged, and nothing of it is left', async () => {
    await Promise.all([backUpDatabases(aws, deployed), exportArtifacts(aws, deployed)]);
    await replicated(aws, deployed);
    await databasesReplicated();
    await aws.addFault({ kind: 'automated-backup-damaged', match: source() });
    const report = await drill(aws, deployed);
    await aws.clearFaults();
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes[0] ?? '', /^database: not restored: .* is incompatible-restore$/);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.equal(await leftInstances(), 0);
  });

  void it('PASSED after the primary Region is gone, to the moment of the export: nothing before it is missing', async () => {
    // After the last copy of a snapshot: only the replica has it.
    await addTenant(31);
    await addDirectory(31);
    // The export's second is what is restored to.
    await sleep(1100);
    await exportArtifacts(aws, deployed);
    await replicated(aws, deployed);
    // After the export, and after its second: the replica has it, and it must not come back without its directory.
    await sleep(1100);
    await addTenant(32);
    await databasesReplicated();
    await losePrimaryRegion(aws, deployed);

    const before = (await aws.calls()).length;
    const report = await drill(aws, deployed);
    assert.deepEqual(report.causes, []);
    assert.deepEqual(report.warnings, []);
    assert.equal(report.verdict, 'PASSED');
    const [database, volume] = report.components;
    assert.equal(database?.technique, 'rds-automated-backup-replication');
    assert.equal(database?.restoredFrom, (await replica())?.DBInstanceAutomatedBackupsArn);
    assert.equal(database?.promisedRpoSeconds, 3900);
    assert.ok(report.skewSeconds! < 1, `skew ${report.skewSeconds}`);
    assert.equal(database?.moment?.slice(0, 19), volume?.moment?.slice(0, 19));
    const tenants = report.checks.find(({ check }) => check === 'tenants-agree');
    assert.deepEqual([tenants?.compared.tenantsInDatabase, tenants?.compared.tenantDirectories], [31, 31]);
    assert.ok(report.measuredRpoSeconds! > 0 && report.measuredRpoSeconds! < RPO_SECONDS);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.equal(await leftInstances(), 0);
    assert.deepEqual(
      (await aws.calls()).slice(before).filter(({ region }) => region === REGIONS.primary),
      [],
    );
  });

  void it('falls back to the copy where the replica is gone, as it was then, and warns', async () => {
    const { DBInstanceAutomatedBackupsArn } = (await replica())!;
    await rds.send(new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: source() }));
    await rds.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn }));
    const report = await drill(aws, deployed);
    assert.deepEqual(report.causes, []);
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    const [database] = report.components;
    assert.equal(database?.technique, 'backup-copy');
    assert.match(database?.restoredFrom ?? '', /:snapshot:awsbackup:copyjob-/);
    assert.match(
      report.warnings.join('\n'),
      /^database: restored from backup-copy, not from rds-automated-backup-replication as planned: .*RDS has no replicated/m,
    );
    assert.equal(report.passedOver.find(({ component }) => component === 'database')?.id, source());
    assert.equal(await leftInstances(), 0);
  });
});
