import { Aws, type RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/**
 * One key a Region: recovery points and failure messages. Copies into a vault are encrypted with that vault's key
 * (FACTS: AWS Backup), so losing it is losing the copies.
 */
export function recoveryKey(scope: Construct, id: string, removalPolicy: RemovalPolicy): kms.Key {
  const key = new kms.Key(scope, id, {
    description: 'Recovery points and failure messages of WSO2 Identity Server recovery',
    enableKeyRotation: true,
    removalPolicy,
  });
  // These services publish to the encrypted topic; with the key's default policy their messages would vanish unseen.
  // (EventBridge too: its rules add themselves.) CloudWatch says on whose behalf it asks; for EventBridge and notifications of
  // vaults AWS documents no such condition here, and whose message may come in is the topic's policy to say.
  const publishes = { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: ['*'] };
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      ...publishes,
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  key.addToResourcePolicy(
    new iam.PolicyStatement({ ...publishes, principals: [new iam.ServicePrincipal('backup.amazonaws.com')] }),
  );
  return key;
}

/**
 * Copies in the vault of another account are made by AWS Backup there, which has to read what this key encrypts: what AWS's pages
 * on encrypted backups across accounts have it share (docs/other-account.md).
 */
export function shareWithSite(key: kms.Key, account: string): void {
  const principals = [new iam.AccountPrincipal(account)];
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'CopiedByTheSite',
      principals,
      actions: ['kms:DescribeKey', 'kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'],
      resources: ['*'],
    }),
  );
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'GrantedToItsServices',
      principals,
      actions: ['kms:CreateGrant'],
      resources: ['*'],
      conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  );
}
