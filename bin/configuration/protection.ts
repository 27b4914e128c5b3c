/** What a configuration file says of keys, signatures and audits. */
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { AirGappedVaultOptions, BackupAuditOptions, RestoreTestingOptions } from '../../lib';
import type { Table } from './table';

/** How manifests of archives are signed. */
export interface ManifestSettings {
  readonly signed: boolean;
  /** ARN in the DR Region of a multi-Region key for MACs; absent: the site makes one. */
  readonly keyArn?: string;
  readonly acceptUnsigned: boolean;
}

/** Keys of recovery points and messages; absent: one is made. */
export interface KeySettings {
  /** ARN in the primary Region. */
  readonly primary?: string;
  /** ARN in the DR Region. */
  readonly dr?: string;
}

const KEY = {
  pattern: /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-z-]+$/,
  allowed: 'the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID',
};

/** `[manifests]` */
export function readManifests(table: Table): ManifestSettings {
  const how = table.optionalText('authentication', {
    pattern: /^(site-key|none)$/,
    allowed: '"site-key" (default) or "none"',
  });
  const keyArn = table.optionalText('key', {
    pattern: /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/mrk-[0-9a-f]+$/,
    allowed: 'the ARN of a multi-Region KMS key in the DR Region, whose id begins with mrk-',
  });
  if (how !== undefined && keyArn !== undefined) {
    table.fail('key', 'there without `authentication`', 'both', 'keep one of the two');
  }
  return { signed: how !== 'none', keyArn, acceptUnsigned: table.flag('accept_unsigned', false) };
}

/** `[keys]` */
export const readKeys = (table: Table): KeySettings => ({
  primary: table.optionalText('primary', KEY),
  dr: table.optionalText('dr', KEY),
});

/** `[air_gapped_vault]` */
export const readAirGappedVault = (table: Table): AirGappedVaultOptions => ({
  compliance: { acknowledgement: table.text('acknowledgement', { allowed: 'the words of docs/security.md' }) },
  minRetention: table.optionalDuration('min_retention'),
  maxRetention: table.optionalDuration('max_retention'),
});

/** `[restore_testing]`: an empty table asks for it. */
export function readRestoreTesting(table: Table): RestoreTestingOptions {
  const schedule = table.optionalText('schedule', { pattern: /^cron\(.+\)$/, allowed: 'cron(...)' });
  return {
    schedule: schedule === undefined ? undefined : Schedule.expression(schedule),
    validationWindow: table.optionalDuration('validation_window'),
    selectionWindow: table.optionalDuration('selection_window'),
  };
}

/** `[audit]`: an empty table asks for the frameworks. */
export function readAudit(table: Table): BackupAuditOptions {
  const tag = table.optionalTable('resource_tag');
  const audit = {
    resourceTag: tag && {
      key: tag.text('key', { allowed: 'the key of a tag' }),
      value: tag.text('value', { allowed: 'the value of a tag' }),
    },
    restoreTime: table.flag('restore_time', false),
    reports: table.flag('reports', false),
  };
  tag?.end();
  return audit;
}
