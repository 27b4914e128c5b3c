import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackupRule } from '@aws-sdk/client-backup';
import { termsOf } from '../../../bin/recovery/backup/backup-plan';

const ROLE = 'arn:aws:iam::111122223333:role/backup';
const rule = (name: string, more: Partial<BackupRule> = {}): BackupRule => ({
  RuleName: name,
  TargetBackupVaultName: 'primary-vault',
  ...more,
});
const copyTo = (vault: string, days: number) => ({
  DestinationBackupVaultArn: `arn:aws:backup:eu-central-1:111122223333:backup-vault:${vault}`,
  Lifecycle: { DeleteAfterDays: days },
});

test('a backup on demand is kept where and as long as the snapshots of the plan, and so is its copy', () => {
  const terms = termsOf(
    'prod-db',
    [
      rule('continuous', {
        EnableContinuousBackup: true,
        Lifecycle: { DeleteAfterDays: 7 },
        CopyActions: [copyTo('site', 7)],
      }),
      rule('local', { Lifecycle: { DeleteAfterDays: 1 }, CopyActions: [copyTo('other-site', 1)] }),
      rule('snapshot', {
        Lifecycle: { DeleteAfterDays: 35 },
        StartWindowMinutes: 60,
        CompletionWindowMinutes: 180,
        CopyActions: [copyTo('other-site', 1), copyTo('site', 40)],
      }),
    ],
    ROLE,
    'site',
  );
  assert.deepEqual(terms, {
    vaultName: 'primary-vault',
    roleArn: ROLE,
    lifecycle: { DeleteAfterDays: 35 },
    startWindowMinutes: 60,
    completionWindowMinutes: 180,
    copy: {
      vaultArn: 'arn:aws:backup:eu-central-1:111122223333:backup-vault:site',
      lifecycle: { DeleteAfterDays: 40 },
    },
  });
});

test('a plan that copies nothing there says so by its absence', () => {
  assert.equal(termsOf('prod-db', [rule('snapshot')], ROLE, 'site').copy, undefined);
});

test('a plan without rules, or without a selection, is told', () => {
  assert.throws(() => termsOf('prod-db', [], ROLE, 'site'), /backup plan prod-db has no rule, or no selection/);
  assert.throws(() => termsOf('prod-db', [rule('snapshot')], undefined, 'site'), /no rule, or no selection/);
});
