import { Annotations, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { invalid } from '../private/errors';

/**
 * One key a Region: recovery points and failure messages. Copies into a vault are encrypted with that vault's key
 * (FACTS: AWS Backup), so losing it is losing the copies.
 *
 * @param given a key of the user's instead
 */
export function recoveryKey(scope: Construct, id: string, removalPolicy: RemovalPolicy, given?: kms.IKey): kms.IKey {
  if (given) requireOwn(scope, given);
  const key =
    given ??
    new kms.Key(scope, id, {
      description: 'Recovery points and failure messages of WSO2 Identity Server recovery',
      enableKeyRotation: true,
      removalPolicy,
    });
  allow(scope, key, publishers(Stack.of(scope).account));
  return key;
}

/**
 * Copies in the vault of another account are made by AWS Backup there, which has to read what this key encrypts: what AWS's pages
 * on encrypted backups across accounts have it share (docs/other-account.md).
 */
export function shareWithSite(scope: Construct, key: kms.IKey, account: string): void {
  const principals = [new iam.AccountPrincipal(account)];
  allow(scope, key, [
    new iam.PolicyStatement({
      sid: 'CopiedByTheSite',
      principals,
      actions: ['kms:DescribeKey', 'kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'],
      resources: ['*'],
    }),
    new iam.PolicyStatement({
      sid: 'GrantedToItsServices',
      principals,
      actions: ['kms:CreateGrant'],
      resources: ['*'],
      conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ]);
}

/**
 * These services publish to the encrypted topics; with the key's default policy their messages would vanish unseen. CloudWatch
 * says on whose behalf it asks; for EventBridge and notifications of vaults AWS documents no such condition here, and whose
 * message may come in is the topic's policy to say.
 */
function publishers(account: string): iam.PolicyStatement[] {
  const publishes = { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: ['*'] };
  return [
    new iam.PolicyStatement({
      ...publishes,
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
    ...['backup.amazonaws.com', 'events.amazonaws.com'].map(
      (service) => new iam.PolicyStatement({ ...publishes, principals: [new iam.ServicePrincipal(service)] }),
    ),
  ];
}

/** The policy of a key that is not in this app can be written by its owner alone. */
function allow(scope: Construct, key: kms.IKey, statements: readonly iam.PolicyStatement[]): void {
  const missing = statements.filter((statement) => !key.addToResourcePolicy(statement).statementAdded);
  if (missing.length === 0) return;
  const texts = missing.map((statement) => JSON.stringify(Stack.of(scope).resolve(statement.toStatementJson())));
  Annotations.of(scope).addWarningV2(
    'cdk-wso2is-recovery:keyPolicyNotWritten',
    `the policy of the key ${arnOf(key)} is not in this app: beside the statement that lets the IAM policies of its account ` +
      `decide, it must have these, or messages vanish and copies fail: ${texts.join(', ')}`,
  );
}

/** A vault takes keys of its own Region; the alias by which other stacks know the key is in its own account. */
function requireOwn(scope: Construct, key: kms.IKey): void {
  for (const [what, wanted, got] of [
    ['Region', Stack.of(scope).region, key.env.region],
    ['account', Stack.of(scope).account, key.env.account],
  ] as const) {
    if (Token.isUnresolved(wanted) || Token.isUnresolved(got) || wanted === got) continue;
    throw invalid(
      scope,
      `\`encryptionKey\` must be a key of the ${what} of its stack, ${wanted}, got one of ${got}: give a key of each Region, ` +
        'for example the replica of a multi-Region key',
    );
  }
}

const arnOf = (key: kms.IKey): string => (Token.isUnresolved(key.keyArn) ? key.keyId : key.keyArn);
