// Somebody with every right at the DR site emptied its vault: the air-gapped one keeps the copies, and there is a way back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  BackupClient,
  DeleteRecoveryPointCommand,
  DescribeBackupVaultCommand,
  DescribeCopyJobCommand,
  GetBackupPlanCommand,
  ListBackupPlansCommand,
  ListRecoveryPointsByBackupVaultCommand,
  StartCopyJobCommand,
} from '@aws-sdk/client-backup';
import { REGIONS } from '../../local/demo/configuration';
import { type Deployed } from '../../local/demo/deployed';
import { drill } from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { QUICK } from './quick';
import { deploySample, takeRecoverySet } from './sample';

const { primary, dr } = REGIONS;
const AIR_GAPPED = 'wso2is-recovery-air-gapped';
const acknowledgement = 'nobody can delete it before its retention ends, and I pay for it until then';

void describe('an air-gapped vault', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  let backup: BackupClient;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    deployed = await deploySample(aws, { tables: { air_gapped_vault: { acknowledgement } } });
    await takeRecoverySet(aws, deployed);
    backup = new BackupClient(aws.clientConfig(dr));
  });
  after(() => aws?.stop());

  const pointsIn = async (BackupVaultName: string, client = backup) => {
    const { RecoveryPoints = [] } = await client.send(new ListRecoveryPointsByBackupVaultCommand({ BackupVaultName }));
    return RecoveryPoints;
  };

  /** As AWS Backup does for a rule with that copy action, or a person by hand. */
  async function copy(region: string, from: string, RecoveryPointArn: string, to: string): Promise<void> {
    const client = new BackupClient(aws.clientConfig(region));
    const { CopyJobId } = await client.send(
      new StartCopyJobCommand({
        SourceBackupVaultName: from,
        RecoveryPointArn,
        DestinationBackupVaultArn: to,
        IamRoleArn: deployed.backupRoleArn,
        Lifecycle: { DeleteAfterDays: 35 },
      }),
    );
    await eventually('the copy', async () => {
      const { CopyJob } = await client.send(new DescribeCopyJobCommand({ CopyJobId }));
      assert.notEqual(CopyJob!.State, 'FAILED', CopyJob!.StatusMessage);
      return CopyJob!.State === 'COMPLETED' || undefined;
    });
  }

  void it('is a target of the copies of the plan, which AWS keeps locked', async () => {
    const client = new BackupClient(aws.clientConfig(primary));
    const { BackupPlansList = [] } = await client.send(new ListBackupPlansCommand({}));
    const targets: string[] = [];
    for (const { BackupPlanId } of BackupPlansList) {
      const { BackupPlan } = await client.send(new GetBackupPlanCommand({ BackupPlanId }));
      for (const { CopyActions = [] } of BackupPlan!.Rules!) {
        targets.push(...CopyActions.map(({ DestinationBackupVaultArn }) => DestinationBackupVaultArn!));
      }
    }
    assert.ok(targets.includes(`arn:aws:backup:${dr}:${aws.accountId}:backup-vault:${AIR_GAPPED}`), targets.join());
    const vault = await backup.send(new DescribeBackupVaultCommand({ BackupVaultName: AIR_GAPPED }));
    assert.deepEqual(
      [vault.VaultType, vault.Locked, vault.MinRetentionDays, vault.MaxRetentionDays],
      ['LOGICALLY_AIR_GAPPED_BACKUP_VAULT', true, 7, 36_500],
    );
    const [point] = await pointsIn(deployed.vaultName, client);
    await copy(primary, deployed.vaultName, point!.RecoveryPointArn!, vault.BackupVaultArn!);
    assert.equal((await pointsIn(AIR_GAPPED)).length, 1);
  });

  void it('keeps its points where those of the site are deleted, of which a drill then finds none', async () => {
    for (const [BackupVaultName, refused] of [
      [deployed.drVaultName, false],
      [AIR_GAPPED, true],
    ] as const) {
      for (const { RecoveryPointArn } of await pointsIn(BackupVaultName)) {
        const deletion = backup.send(new DeleteRecoveryPointCommand({ BackupVaultName, RecoveryPointArn }));
        await (refused ? assert.rejects(deletion, /is locked: its recovery points expire by themselves/) : deletion);
      }
    }
    const { verdict, causes } = await drill(aws, deployed);
    assert.equal(verdict, 'FAILED');
    assert.match(causes.join('\n'), /^database: nothing to restore: there is no point at this site/);
  });

  void it('gives them back to the vault of the site, with their moment: a drill passes', async () => {
    const [kept] = await pointsIn(AIR_GAPPED);
    await copy(dr, AIR_GAPPED, kept!.RecoveryPointArn!, deployed.drVaultArn);
    const [back] = await pointsIn(deployed.drVaultName);
    assert.deepEqual(back!.CreationDate, kept!.CreationDate);
    const report = await drill(aws, deployed);
    assert.deepEqual([report.verdict, report.causes], ['PASSED', []]);
    assert.equal(report.components.find(({ kind }) => kind === 'database')!.restoredFrom, back!.RecoveryPointArn);
  });
});
