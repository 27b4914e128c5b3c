import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type * as backup from 'aws-cdk-lib/aws-backup';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { invalid } from '../private/errors';
import type { ManifestKeys } from '../protection/manifest-keys';
import type { VaultLockOptions } from '../protection/vault-lock';
import { drillFunctions, scheduleDrills } from './drill-functions';
import { DrillWatch } from './drill-watch';
import { inRegionDrillFunctionName } from './site-names';
import { siteNetwork } from './site-network';

/** Where and how long recoveries and drills in the primary Region run. */
export interface InRegionRecoveryOptions {
  /**
   * The network of what is restored. It must reach S3 and Secrets Manager (VPC endpoints where there is no NAT). Security
   * groups keep what is restored apart: nothing in it can open a connection, and only the check function can to it.
   *
   * @default - the network of the export functions, where the servers can reach what a recovery kept
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of `vpc` for functions and restored databases, in at least two Availability Zones.
   *
   * @default - those of the export functions; with `vpc`, its private or isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * When drills run in the primary Region, beside those of the DR site: with an alarm where one left no verdict, as there. Each costs
   * what it restores, for as long as it runs.
   *
   * @default - when they are asked for: `drill --site primary`
   */
  readonly drillSchedule?: events.Schedule;

  /**
   * How long a drill may take, clean-up included, before Lambda ends it.
   *
   * @default Duration.days(1)
   */
  readonly drillTimeout?: Duration;
}

/** What the deployment has in its Region already. */
export interface InRegionSurroundings {
  readonly deploymentName: string;
  /** Name of the DR site: the value of the tag on the secrets that may be read. */
  readonly siteName: string;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly bucket: s3.IBucket;
  readonly vault: backup.IBackupVault;
  readonly vaultLock?: VaultLockOptions;
  /** Whether the artifact bucket has object lock. */
  readonly objectLock: boolean;
  readonly key: kms.IKey;
  readonly topic: sns.ITopic;
  /** Of production, whose automated backups RDS restores. */
  readonly databaseArns: readonly string[];
  readonly manifestKeys?: ManifestKeys;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The functions of a DR site, in the primary Region: for failures inside it, and for going back to it.
 *
 * @returns the drill function by its alias, and the security group of the check function
 */
export function inRegionRecovery(
  parent: Construct,
  options: InRegionRecoveryOptions,
  { deploymentName, vpc, vpcSubnets, ...given }: InRegionSurroundings,
): { readonly drill: lambda.IFunction; readonly check: ec2.ISecurityGroup } {
  if (options.vpcSubnets && !options.vpc) {
    throw invalid(
      parent,
      '`inRegionRecovery.vpcSubnets` must come with `inRegionRecovery.vpc`, got no `vpc`: give the network they are in',
    );
  }
  const scope = new Construct(parent, 'InRegion');
  const network = siteNetwork(
    scope,
    options.vpc ? { vpc: options.vpc, subnets: options.vpcSubnets } : { vpc, subnets: vpcSubnets },
  );
  const drillTimeout = options.drillTimeout ?? Duration.days(1);
  const { alias } = drillFunctions(scope, {
    ...given,
    site: 'in-region',
    functionName: inRegionDrillFunctionName(deploymentName),
    network,
    drillTimeout,
  });
  if (options.drillSchedule) {
    const { bucket, removalPolicy } = given;
    new DrillWatch(scope, 'DrillWatch', {
      site: 'in-region',
      bucket,
      drillTimeout,
      removalPolicy,
    }).add(deploymentName, options.drillSchedule);
    scheduleDrills(scope, 'DrillSchedule', {
      deployment: deploymentName,
      schedule: options.drillSchedule,
      drill: alias,
    });
  }
  return { drill: alias, check: network.check };
}
