import type { RemovalPolicy } from 'aws-cdk-lib';
import * as efs from 'aws-cdk-lib/aws-efs';
import type { Construct } from 'constructs';
import type { SiteNetwork } from './site-network';

/** Where the functions of the site see the restore volume. */
export const MOUNT_PATH = '/mnt/restore';

/** The folder of the restore volume that the functions see. */
export const RESTORE_ROOT = '/drills';

/** As whom the functions read and write there. */
export const RESTORE_OWNER = { uid: '1000', gid: '1000' };

export interface RestoreVolume {
  /** The folder of drills and recoveries. */
  readonly drills: efs.AccessPoint;
  /** The whole, as root: for what AWS Backup restores. */
  readonly root: efs.AccessPoint;
}

/**
 * Where drills and recoveries put restored artifacts. What a recovery keeps there is production's: so it outlives its stack as
 * the vault and the bucket do.
 *
 * Files belong to one POSIX user here, whoever owned them in production: the manifest keeps the owners.
 */
export function restoreVolume(scope: Construct, network: SiteNetwork, removalPolicy: RemovalPolicy): RestoreVolume {
  const fileSystem = new efs.FileSystem(scope, 'RestoreVolume', {
    vpc: network.vpc,
    vpcSubnets: network.subnets,
    securityGroup: network.volume,
    encrypted: true,
    allowAnonymousAccess: false,
    throughputMode: efs.ThroughputMode.ELASTIC,
    enableAutomaticBackups: false,
    removalPolicy,
  });
  return {
    drills: fileSystem.addAccessPoint('Drills', {
      path: RESTORE_ROOT,
      createAcl: { ownerUid: RESTORE_OWNER.uid, ownerGid: RESTORE_OWNER.gid, permissions: '750' },
      posixUser: RESTORE_OWNER,
    }),
    // AWS Backup restores to the root, and keeps the owners of production.
    root: fileSystem.addAccessPoint('Root', { path: '/', posixUser: { uid: '0', gid: '0' } }),
  };
}
