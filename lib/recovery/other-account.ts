import { Annotations, Arn, ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { CfnDBCluster, CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import { invalid } from '../private/errors';
import type { RecoverySite } from '../site/recovery-site';

/**
 * The account of a DR site that is not that of what it protects, so that who administers production cannot reach it. Undefined:
 * it is the same, or one of the two is known at deploy time only, where nothing here can tell.
 */
export function otherAccount(scope: Construct, site: RecoverySite): string | undefined {
  const [own, sites] = [Stack.of(scope).account, Stack.of(site).account];
  return Token.isUnresolved(own) || Token.isUnresolved(sites) || own === sites ? undefined : sites;
}

/**
 * What AWS does not bring from one account to another has to be there already.
 *
 * @throws with all that is missing
 */
export function validateAccounts(scope: Construct, site: RecoverySite, databases: readonly ProtectedDatabase[]): void {
  const account = otherAccount(scope, site);
  if (account === undefined) {
    const given = databases.find(({ _drSiteSecretArn }) => _drSiteSecretArn !== undefined);
    // Of accounts that are not known the secret may be the right one.
    if (!given || Token.isUnresolved(Stack.of(scope).account) || Token.isUnresolved(Stack.of(site).account)) return;
    throw invalid(
      scope,
      `\`drSiteSecretArn\` of ${given.name} must come with a site in another account, got one in the same: ` +
        'leave it out, since the replica of `credentials` is used',
    );
  }
  const problems = [
    ...keyProblems(site, account),
    ...databases.flatMap((database) => [
      ...secretProblems(database, site.region, account),
      ...encryptionProblems(database),
    ]),
  ];
  if (problems.length > 0) {
    throw invalid(
      scope,
      [
        `\`site\` must find in its account, ${account}, what AWS does not bring there (docs/other-account.md):`,
        ...problems,
      ].join('\n  '),
    );
  }
  Annotations.of(scope).addWarningV2(
    'cdk-wso2is-recovery:otherAccount',
    `the DR site is in another account (${account}): AWS Backup copies to it only where both are in one organisation whose management ` +
      'account has allowed cross-account backup, and databases only where they are encrypted with customer managed keys that this ' +
      'account may use; until then copy jobs fail (docs/other-account.md)',
  );
}

function keyProblems(site: RecoverySite, account: string): string[] {
  const { _isSigned: isSigned, _keyArns: keyArns } = site._manifestAuthentication;
  if (isSigned && keyArns.length === 0) {
    return [
      '`manifestAuthentication` must be ManifestAuthentication.withKey(ARN) of a key of that account, or none(), got withSiteKey(): ' +
        'KMS replicates no key into another account; make it first, with a replica in the primary Region',
    ];
  }
  return keyArns
    .filter((arn) => accountOf(arn) !== account)
    .map(
      (arn) =>
        `\`manifestAuthentication\` must name a key of that account, got ${arn}: who administers production could sign whatever ` +
        'is to be restored, and take the key away',
    );
}

function secretProblems({ name, _drSiteSecretArn: arn }: ProtectedDatabase, region: string, account: string): string[] {
  if (arn === undefined) {
    return [
      `\`drSiteSecretArn\` of ${name} must be the secret there that holds the same credentials, got none: Secrets Manager replicates ` +
        'none into another account',
    ];
  }
  if (Token.isUnresolved(arn)) return [];
  const matches = new RegExp(`^arn:[^:]+:secretsmanager:${region}:${account}:secret:.+-\\w{6}$`).test(arn);
  return matches
    ? []
    : [
        `\`drSiteSecretArn\` of ${name} must be arn:PARTITION:secretsmanager:${region}:${account}:secret:NAME-SUFFIX, got '${arn}': ` +
          'take its complete ARN from `aws secretsmanager describe-secret` in that account and Region',
      ];
}

/** A key that AWS manages is shared with nobody. Of what is imported the key is not known. */
function encryptionProblems({ name, _definition: definition }: ProtectedDatabase): string[] {
  if (!(definition instanceof CfnDBInstance || definition instanceof CfnDBCluster)) return [];
  return definition.storageEncrypted === true && definition.kmsKeyId === undefined
    ? [
        `${name} must be encrypted with a customer managed key, got the default key of RDS: AWS copies no snapshot of it into another ` +
          'account; give it a `storageEncryptionKey`, which makes a new instance out of a snapshot',
      ]
    : [];
}

const accountOf = (arn: string) => Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).account;
