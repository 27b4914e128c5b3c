import { RemovalPolicy } from 'aws-cdk-lib';
import * as efs from 'aws-cdk-lib/aws-efs';
import type { Construct } from 'constructs';
import type { SiteNetwork } from './site-network';

/** Where the functions of the site see the restore volume. */
export const MOUNT_PATH = '/mnt/restore';

/**
 * Where drills put restored artifacts. Nothing on it is the only copy of anything, so it goes with its stack.
 *
 * Files belong to one POSIX user here, whoever owned them in production: the manifest keeps the owners.
 */
export function restoreVolume(scope: Construct, network: SiteNetwork): efs.AccessPoint {
  const fileSystem = new efs.FileSystem(scope, 'RestoreVolume', {
    vpc: network.vpc,
    vpcSubnets: network.subnets,
    securityGroup: network.volume,
    encrypted: true,
    allowAnonymousAccess: false,
    throughputMode: efs.ThroughputMode.ELASTIC,
    enableAutomaticBackups: false,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return fileSystem.addAccessPoint('Drills', {
    path: '/drills',
    createAcl: { ownerUid: '1000', ownerGid: '1000', permissions: '750' },
    posixUser: { uid: '1000', gid: '1000' },
  });
}
