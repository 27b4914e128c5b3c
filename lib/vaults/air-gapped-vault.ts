import { Duration, Lazy } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { PlanResult } from '../planning/plan-types';
import { invalid } from '../private/errors';
import { type ComplianceAcknowledgement, requireAcknowledgement } from '../protection/compliance';

/**
 * A logically air-gapped vault of AWS Backup at the DR site: every copy is made into it as well. AWS keeps it in compliance mode, and encrypts it with a
 * key of its own: who administers the account can neither delete what is in it before its retention ends, nor take a key away.
 *
 * Costs the storage of each copy once more (AWS Backup's price for such vaults), and its transfer between the Regions.
 */
export interface AirGappedVaultOptions {
  /**
   * That it cannot be taken back. The vault itself can be deleted only when all points in it have expired.
   */
  readonly compliance: ComplianceAcknowledgement;

  /**
   * Shortest retention that it takes. Whole days, from 7 (AWS Backup API, `MinRetentionDays`).
   *
   * @default Duration.days(7)
   */
  readonly minRetention?: Duration;

  /**
   * Longest retention that it takes. Whole days, to 36,500. Retentions of copies outside of the two stop the synth.
   *
   * @default Duration.days(36500)
   */
  readonly maxRetention?: Duration;
}

/** The same in days. */
export interface AirGappedRetention {
  readonly minDays: number;
  readonly maxDays: number;
}

const LEAST_DAYS = 7;
const MOST_DAYS = 36_500;

/** @throws where AWS Backup would not take it, or the words are missing */
export function airGappedRetention(scope: Construct, options: AirGappedVaultOptions): AirGappedRetention {
  requireAcknowledgement(scope, 'airGappedVault.compliance', options.compliance);
  const { minRetention = Duration.days(LEAST_DAYS), maxRetention = Duration.days(MOST_DAYS) } = options;
  const [minDays, maxDays] = [minRetention, maxRetention].map((each) => each.toDays({ integral: false })) as [
    number,
    number,
  ];
  if (
    [minDays, maxDays].every(Number.isInteger) &&
    minDays >= LEAST_DAYS &&
    maxDays <= MOST_DAYS &&
    minDays <= maxDays
  ) {
    return { minDays, maxDays };
  }
  throw invalid(
    scope,
    `\`airGappedVault\` must have whole days, ${LEAST_DAYS} <= \`minRetention\` <= \`maxRetention\` <= ${MOST_DAYS}, got ` +
      `${minRetention.toHumanString()} and ${maxRetention.toHumanString()}: AWS Backup takes no other`,
  );
}

/** @param accounts others that may copy into it; more may come */
export function airGappedVault(
  scope: Construct,
  id: string,
  name: string,
  { minDays, maxDays }: AirGappedRetention,
  accounts: ReadonlySet<string>,
): backup.CfnLogicallyAirGappedBackupVault {
  return new backup.CfnLogicallyAirGappedBackupVault(scope, id, {
    backupVaultName: name,
    minRetentionDays: minDays,
    maxRetentionDays: maxDays,
    accessPolicy: Lazy.any({ produce: () => copiesFrom(accounts) }),
  });
}

function copiesFrom(accounts: ReadonlySet<string>): iam.PolicyDocument | undefined {
  if (accounts.size === 0) return undefined;
  return new iam.PolicyDocument({
    statements: [...accounts].map(
      (account) =>
        new iam.PolicyStatement({
          sid: `CopiesFrom${account}`,
          principals: [new iam.AccountPrincipal(account)],
          actions: ['backup:CopyIntoBackupVault'],
          resources: ['*'],
        }),
    ),
  });
}

/** Copies that the vault would not take; empty: none. Pure. */
export function airGapProblems({ databases, volumes }: PlanResult, { minDays, maxDays }: AirGappedRetention): string[] {
  return [...databases, ...volumes].flatMap(({ name, rules }) =>
    rules
      .filter(({ copyRetentionDays: days }) => days !== undefined && (days < minDays || days > maxDays))
      .map(
        ({ name: rule, copyRetentionDays }) =>
          `retention of the copies of ${name} (rule ${rule}) must be from ${minDays} to ${maxDays} days, what the air-gapped vault takes, ` +
          `got ${copyRetentionDays}: its jobs would fail; change \`backupRetention\` or the vault`,
      ),
  );
}
