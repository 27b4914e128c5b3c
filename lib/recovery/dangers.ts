import { Annotations, CfnDeletionPolicy, Token } from 'aws-cdk-lib';
import type { CfnResource } from 'aws-cdk-lib';
import { CfnFileSystem } from 'aws-cdk-lib/aws-efs';
import { CfnDBCluster, CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import type { Volume } from '../volumes/volume';

/**
 * Warns of what the resources of this app say of themselves that makes a recovery necessary, or harder. Of what is imported
 * from outside nothing is known.
 */
export function warnOfDangers(
  scope: Construct,
  databases: readonly ProtectedDatabase[],
  volumes: readonly Volume[],
): void {
  const components = [
    ...databases.map(({ name, _definition }) => ({ name, definition: _definition })),
    ...volumes.map(({ name, _definition }) => ({ name, definition: _definition })),
  ];
  for (const { name, definition } of components) {
    for (const { id, message } of dangersOf(definition)) {
      Annotations.of(scope).addWarningV2(`cdk-wso2is-recovery:${id}`, `${name}: ${message}`);
    }
  }
}

interface Danger {
  readonly id: string;
  readonly message: string;
}

function dangersOf(definition: unknown): Danger[] {
  if (definition instanceof CfnDBInstance || definition instanceof CfnDBCluster) {
    return [
      ...(definition.backupRetentionPeriod === 0 ? [NO_AUTOMATED_BACKUPS] : []),
      // CloudFormation's own default for both is a last snapshot.
      ...deletedWithItsStack(definition, CfnDeletionPolicy.SNAPSHOT),
      ...notEncrypted(definition.storageEncrypted),
    ];
  }
  if (definition instanceof CfnFileSystem) {
    return [...deletedWithItsStack(definition, CfnDeletionPolicy.DELETE), ...notEncrypted(definition.encrypted)];
  }
  return [];
}

const NO_AUTOMATED_BACKUPS: Danger = {
  id: 'noAutomatedBackups',
  message:
    '`BackupRetentionPeriod` should be at least 1, got 0: RDS keeps no automated backups, and each update of the stack turns off ' +
    'again what AWS Backup turned on for point-in-time recovery; set it to 7, say',
};

function deletedWithItsStack(resource: CfnResource, unstated: CfnDeletionPolicy): Danger[] {
  if ((resource.cfnOptions.deletionPolicy ?? unstated) !== CfnDeletionPolicy.DELETE) return [];
  return [
    {
      id: 'deletedWithItsStack',
      message:
        '`DeletionPolicy` should be Retain or Snapshot, got Delete: whoever deletes the stack, or removes the resource from it, ' +
        'deletes production; set the `removalPolicy` (CDK) or `DeletionPolicy` (template)',
    },
  ];
}

/** Absent means no. What is known only when it is deployed is not judged. */
function notEncrypted(encrypted: unknown): Danger[] {
  if (encrypted === true || Token.isUnresolved(encrypted)) return [];
  return [
    {
      id: 'notEncrypted',
      message:
        `its storage should be encrypted, got ${encrypted === undefined ? 'nothing that says so' : 'no encryption'}: its snapshots ` +
        'and their copies are then readable with the storage alone; it can be changed by a restore into an encrypted one only',
    },
  ];
}
