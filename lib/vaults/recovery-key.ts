import type { RemovalPolicy } from 'aws-cdk-lib';
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
  // (EventBridge too: its rules add themselves.) AWS documents no condition that holds for all of them here; whose message
  // may come in is the topic's policy to say.
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: ['cloudwatch', 's3'].map((name) => new iam.ServicePrincipal(`${name}.amazonaws.com`)),
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
    }),
  );
  return key;
}
