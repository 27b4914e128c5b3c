// There and back, in one go, as docs/runbook.md says it: the primary Region is lost, production goes on at the DR site, is
// protected there with the former primary Region as its DR site, and is recovered back into that. What each side wrote is there.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  DescribeFileSystemsCommand,
  DescribeMountTargetsCommand,
  DescribeMountTargetSecurityGroupsCommand,
  EFSClient,
} from '@aws-sdk/client-efs';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { BackupResult } from '../../bin/recovery/backup/take-backup';
import type { RecoverResult } from '../../bin/recovery/drill/recover-site';
import type { ConfigurationChange, DrillReport, KeptRecovery } from '../../lambda/drill/contract';
import {
  DEPLOYMENT,
  existingToml,
  recoveryToml,
  REGIONS,
  SAMPLE_DEPLOYMENT_TOML,
} from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  bootstrap,
  compare,
  deploy,
  fill,
  losePrimaryRegion,
  repositoryOf,
  sharedDatabase,
} from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withClient, type DatabaseServer } from '../../local/sample/sql-client';
import { createStack, outputsOf, type Resources } from '../local/stack';
import { QUICK } from './quick';
import { runForJson } from './run-command';

/** The deployment that protects production while it runs at the former DR site, and its site in the former primary Region. */
const BACK = { deployment: 'wso2is-back', siteName: 'is-back', regions: { primary: REGIONS.dr, dr: REGIONS.primary } };
const BACK_SITE = ['--region', REGIONS.primary, '--site-name', BACK.siteName];

void describe('there and back', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let there: Deployed;
  let back: Deployed;
  let kept: KeptRecovery;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    const configuration = join(aws.dataDir, 'recovery.toml');
    writeFileSync(configuration, recoveryToml(aws.accountId, SAMPLE_DEPLOYMENT_TOML));
    await bootstrap(aws, REGIONS);
    await deploy(aws, configuration);
    there = await findDeployed(aws, REGIONS, DEPLOYMENT);
    await fill(there, { deploymentToml: readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8'), tenants: 30 });
  });
  after(() => aws?.stop());

  const command = <T>(expected: number, ...args: string[]) => runForJson<T>(aws, REGIONS.dr, expected, ...args);

  async function recovered(...args: string[]): Promise<DrillReport> {
    const result = await command<RecoverResult>(0, 'recover', '--site', 'dr', '--yes', ...args);
    assert.ok(!result.dryRun && 'report' in result);
    assert.deepEqual([result.report.verdict, result.report.causes], ['PASSED', []]);
    return result.report;
  }

  /** As production does when a tenant is added: a row and a directory. */
  async function addTenant(deployed: Deployed, id: number): Promise<void> {
    const { server, databaseName } = sharedDatabase(deployed);
    const statement =
      'INSERT INTO um_tenant (um_id, um_domain_name, um_active, um_created_date) VALUES ($1, $2, true, now())';
    await withClient(server, databaseName, (client) => client.query(statement, [id, `tenant-${id}.example.com`]));
    mkdirSync(join(repositoryOf(deployed), 'tenants', String(id)));
  }

  async function tenantsOf(server: DatabaseServer): Promise<number[]> {
    const { rows } = await withClient(server, 'shared_db', (client) =>
      client.query('SELECT um_id FROM um_tenant ORDER BY um_id'),
    );
    return rows.map((row) => Number(Object.values(row as object)[0]));
  }

  void it('the primary Region is lost, and production goes on at the DR site', async () => {
    await command<BackupResult>(0, 'backup');
    await losePrimaryRegion(aws, there);
    kept = (await recovered()).recovery!;
    await aws.clearFaults();
  });

  void it('it is protected there, with the former primary Region as its DR site', async () => {
    const folder = join(aws.fileSystemPath(kept.artifacts!.fileSystemId), kept.artifacts!.volumes[0]!.path);
    const deploymentToml = join(folder, 'conf/deployment.toml');
    writeFileSync(deploymentToml, changed(readFileSync(deploymentToml, 'utf8'), kept.configurationChanges));

    const network = await networkOf(kept.artifacts!.fileSystemId);
    const { status, reasons } = await createStack(aws, REGIONS.dr, 'Production', await production(kept), {
      Secret: { Ref: 'Secret' },
      Access: { Ref: 'Access' },
    });
    assert.equal(status, 'CREATE_COMPLETE', reasons.join('\n'));
    const outputs = await outputsOf(aws, REGIONS.dr, 'Production');

    const { DBInstances } = await new RDSClient(aws.clientConfig(REGIONS.dr)).send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: kept.databases[0]!.identifier }),
    );
    // The baseline needs a server directory, of which there is none here: it notes so.
    const volume = {
      file_system_id: kept.artifacts!.fileSystemId,
      access_point_id: outputs.Access!,
      security_group_id: network.securityGroup,
    };
    const configuration = join(aws.dataDir, 'back.toml');
    writeFileSync(
      configuration,
      existingToml(
        aws.accountId,
        deploymentToml,
        {
          vpc_id: network.vpc,
          availability_zones: network.zones,
          subnet_ids: network.subnets,
          database: { name: 'database', instance_arn: DBInstances![0]!.DBInstanceArn!, secret_arn: outputs.Secret! },
          volume,
          server_directory: volume,
        },
        { name: BACK.deployment, site: { name: BACK.siteName }, regions: { ...BACK.regions } },
      ),
    );
    await deploy(aws, configuration);
    back = await findDeployed(aws, BACK.regions, BACK.deployment);
    assert.equal(repositoryOf(back), folder);

    await addTenant(back, 31);
    await compare(back);
    await command<BackupResult>(0, 'backup', ...BACK_SITE);
    const { report } = await command<{ report: DrillReport }>(0, 'drill', ...BACK_SITE);
    assert.deepEqual([report.verdict, report.region, report.causes], ['PASSED', REGIONS.primary, []]);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    const tenants = report.checks.find(({ check }) => check === 'tenants-agree');
    assert.deepEqual([tenants?.compared.tenantsInDatabase, tenants?.compared.tenantDirectories], [31, 31]);
  });

  void it('and is recovered back into the primary Region, with what was written on both sides', async () => {
    await addTenant(back, 32);
    await command<BackupResult>(0, 'backup', ...BACK_SITE);
    const report = await recovered(...BACK_SITE);
    const { databases, artifacts } = report.recovery!;
    const [database] = databases;
    const expected = Array.from({ length: 32 }, (_, index) => index + 1);
    const server = { ...back.databases[0]!.server, host: database!.host, port: database!.port };
    assert.notEqual(server.port, back.databases[0]!.server.port);
    assert.deepEqual(await tenantsOf(server), expected);
    const tenants = join(aws.fileSystemPath(artifacts!.fileSystemId), artifacts!.volumes[0]!.path, 'tenants');
    assert.deepEqual(
      readdirSync(tenants)
        .map(Number)
        .sort((a, b) => a - b),
      expected,
    );
    // It is in the primary Region, beside what was there before the loss, which is as it was then.
    const { DBInstances } = await new RDSClient(aws.clientConfig(REGIONS.primary)).send(
      new DescribeDBInstancesCommand({}),
    );
    assert.equal(DBInstances!.length, 2);
    assert.ok(DBInstances!.some(({ DBInstanceIdentifier }) => DBInstanceIdentifier === database!.identifier));
    assert.equal((await tenantsOf(there.databases[0]!.server)).length, 30);
    const { FileSystems } = await new EFSClient(aws.clientConfig(REGIONS.primary)).send(
      new DescribeFileSystemsCommand({ FileSystemId: artifacts!.fileSystemId }),
    );
    assert.equal(FileSystems!.length, 1);
  });

  /** Where the file system of the DR site is mounted. */
  async function networkOf(FileSystemId: string) {
    const client = new EFSClient(aws.clientConfig(REGIONS.dr));
    const { MountTargets } = await client.send(new DescribeMountTargetsCommand({ FileSystemId }));
    const { SecurityGroups } = await client.send(
      new DescribeMountTargetSecurityGroupsCommand({ MountTargetId: MountTargets![0]!.MountTargetId }),
    );
    return {
      vpc: MountTargets![0]!.VpcId!,
      zones: MountTargets!.map(({ AvailabilityZoneName }) => AvailabilityZoneName!),
      subnets: MountTargets!.map(({ SubnetId }) => SubnetId!),
      securityGroup: SecurityGroups![0]!,
    };
  }

  /** What the runbook has people make: a secret of its own with a replica, and an access point at the recovered folder. */
  async function production({ databases, artifacts }: KeptRecovery): Promise<Resources> {
    const { SecretString } = await new SecretsManagerClient(aws.clientConfig(REGIONS.dr)).send(
      new GetSecretValueCommand({ SecretId: databases[0]!.secretArn }),
    );
    return {
      Secret: {
        Type: 'AWS::SecretsManager::Secret',
        Properties: {
          SecretString,
          ReplicaRegions: [{ Region: REGIONS.primary }],
          Tags: [{ Key: 'wso2is-recovery:site', Value: BACK.siteName }],
        },
      },
      Access: {
        Type: 'AWS::EFS::AccessPoint',
        Properties: {
          FileSystemId: artifacts!.fileSystemId,
          PosixUser: { Uid: '802', Gid: '802' },
          RootDirectory: { Path: artifacts!.volumes[0]!.path },
        },
      },
    };
  }
});

/** As a person makes the changes that a recovery prints: in the table of each, the value of its key. */
function changed(toml: string, changes: readonly ConfigurationChange[]): string {
  const lines = toml.split('\n');
  for (const { line, key, from, to } of changes) {
    const at = lines.findIndex((text, index) => index >= line! && text.startsWith(`${key} = `));
    assert.equal(lines[at], `${key} = "${from}"`);
    lines[at] = `${key} = "${to}"`;
  }
  return lines.join('\n');
}
