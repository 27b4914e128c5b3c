// The DR site in another account: copies, replicas and signatures cross, a drill there passes when the primary Region is gone, and
// what the primary account may do at the site is no more than that.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  BackupClient,
  CreateBackupVaultCommand,
  ListRecoveryPointsByBackupVaultCommand,
  StartCopyJobCommand,
} from '@aws-sdk/client-backup';
import { CreateKeyCommand, KMSClient, ReplicateKeyCommand } from '@aws-sdk/client-kms';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DEPLOYMENT, existingToml, REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  backUpDatabases,
  bootstrap,
  deployStack,
  drill,
  exportArtifacts,
  fill,
  losePrimaryRegion,
  replicated,
} from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { asAccount } from '../local/as-account';
import { createExisting, existingResources, identifiersOf } from './existing-stack';
import { QUICK } from './quick';

const OTHER = '444455556666';

/** As docs/other-account.md has it: a key of the site's account, and its replica in the primary Region. */
async function createManifestKey(aws: LocalAws, there: LocalAws): Promise<string> {
  const kms = new KMSClient(there.clientConfig(REGIONS.dr));
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ MultiRegion: true, KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }),
  );
  const statement = (Sid: string, account: string, Action: string | string[], Condition?: object) => ({
    Sid,
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action,
    Resource: '*',
    ...(Condition ? { Condition } : {}),
  });
  const algorithm = { StringEquals: { 'kms:MacAlgorithm': 'HMAC_SHA_256' } };
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      statement('Administration', OTHER, 'kms:*'),
      statement('ProductionSigns', aws.accountId, ['kms:GenerateMac', 'kms:VerifyMac'], algorithm),
    ],
  });
  await kms.send(new ReplicateKeyCommand({ KeyId: KeyMetadata!.KeyId, ReplicaRegion: REGIONS.primary, Policy }));
  return KeyMetadata!.Arn!;
}

/** The same credentials, in the account of the site. */
async function createSecretThere(aws: LocalAws, there: LocalAws, arn: string): Promise<string> {
  const { SecretString } = await new SecretsManagerClient(aws.clientConfig(REGIONS.primary)).send(
    new GetSecretValueCommand({ SecretId: arn }),
  );
  const { ARN } = await new SecretsManagerClient(there.clientConfig(REGIONS.dr)).send(
    new CreateSecretCommand({
      Name: 'identity',
      SecretString,
      Tags: [{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }],
    }),
  );
  return ARN!;
}

void describe('a DR site in another account', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let there: LocalAws;
  let deployed: Deployed;
  const deploymentToml = readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8');

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    there = asAccount(aws, OTHER);
    const { Secret } = existingResources('postgres');
    // Nobody replicates it.
    const Properties = { ...Secret!.Properties, ReplicaRegions: [] };
    const [outputs, key] = await Promise.all([
      createExisting(aws, 'postgres', { Secret: { ...Secret!, Properties } }),
      createManifestKey(aws, there),
      bootstrap(aws, REGIONS),
      bootstrap(there, REGIONS),
    ]);
    writeFileSync(join(aws.dataDir, 'deployment.toml'), deploymentToml);
    const identifiers = identifiersOf(outputs);
    const dr_secret_arn = await createSecretThere(aws, there, identifiers.database.secret_arn);
    const configuration = join(aws.dataDir, 'recovery.toml');
    const text = existingToml(
      aws.accountId,
      join(aws.dataDir, 'deployment.toml'),
      { ...identifiers, database: { ...identifiers.database, dr_secret_arn } },
      { regions: { primary: REGIONS.primary, dr: REGIONS.dr, dr_account: OTHER }, manifests: { key } },
    );
    writeFileSync(configuration, text);
    await deployStack(there, configuration, 'RecoverySite');
    await deployStack(aws, configuration, 'IdentityServerRecovery');
    deployed = await findDeployed(aws, REGIONS, DEPLOYMENT, there);
  });
  after(() => aws?.stop());

  void it('names what is there by its account', () => {
    assert.equal(deployed.replicaBucket, `wso2is-recovery-${OTHER}-${REGIONS.dr}`);
    assert.equal(deployed.drVaultArn, `arn:aws:backup:${REGIONS.dr}:${OTHER}:backup-vault:wso2is-recovery`);
  });

  /** A vault of the other account that says nothing of this one takes nothing of it. */
  async function assertClosed(): Promise<void> {
    await new BackupClient(there.clientConfig(REGIONS.dr)).send(
      new CreateBackupVaultCommand({ BackupVaultName: 'closed' }),
    );
    const client = new BackupClient(aws.clientConfig(REGIONS.primary));
    const { RecoveryPoints } = await client.send(
      new ListRecoveryPointsByBackupVaultCommand({ BackupVaultName: deployed.vaultName }),
    );
    await assert.rejects(
      client.send(
        new StartCopyJobCommand({
          RecoveryPointArn: RecoveryPoints![0]!.RecoveryPointArn,
          SourceBackupVaultName: deployed.vaultName,
          DestinationBackupVaultArn: deployed.drVaultArn.replace(/[^:]+$/, 'closed'),
          IamRoleArn: deployed.backupRoleArn,
        }),
      ),
      { name: 'AccessDeniedException' },
    );
  }

  void it('a drill there passes after the primary Region is gone', async () => {
    await fill(deployed, { deploymentToml, tenants: 30 });
    const copies = (await Promise.all([backUpDatabases(aws, deployed), exportArtifacts(aws, deployed)]))[0];
    for (const copy of copies) assert.match(copy, new RegExp(`^arn:aws:rds:${REGIONS.dr}:${OTHER}:snapshot:`));
    await replicated(aws, deployed, there);
    await assertClosed();
    await losePrimaryRegion(aws, deployed);
    const report = await drill(there, deployed);
    assert.deepEqual(report.causes, []);
    assert.deepEqual(report.warnings, []);
    assert.equal(report.verdict, 'PASSED');
    assert.equal(report.checks.filter(({ check }) => check === 'datasource-connects').length, 2);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    const { DBInstances } = await new RDSClient(there.clientConfig(REGIONS.dr)).send(
      new DescribeDBInstancesCommand({}),
    );
    assert.deepEqual(DBInstances, []);
  });
});
