import { Annotations, App, CfnOutput, RemovalPolicy, Stack, type Environment } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import {
  type BaselineOptions,
  DeploymentToml,
  IdentityServerRecovery,
  ManifestAuthentication,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from '../lib';
import type { Configuration, Existing, ExistingAccessPoint } from './configuration/configuration';
import { anyTwoZones, IdentityServerStack } from './sample/identity-server-stack';

/** The stacks of a configuration: the DR site, and the recovery of the sample or of an existing deployment. */
export function addStacks(app: App, configuration: Configuration): void {
  const { account, primaryRegion, drRegion, drAccount = account } = configuration;
  const site = new SiteStack(app, 'RecoverySite', configuration, { account: drAccount, region: drRegion });
  const env = { account, region: primaryRegion };
  if (configuration.existing) {
    const stack = new Stack(app, 'IdentityServerRecovery', { env, description: 'Recovery of WSO2 Identity Server' });
    addRecovery(stack, configuration, site.recoverySite, existingParts(stack, configuration.existing));
  } else {
    const stack = new IdentityServerStack(app, 'IdentityServer', {
      env,
      description: 'Sample of a WSO2 Identity Server deployment, with its recovery',
      databaseType: sampleDatabaseType(configuration),
    });
    const recovery = addRecovery(stack, configuration, site.recoverySite, sampleParts(stack, configuration));
    // The sample's network has no way to it otherwise.
    const readers = [recovery.inRegionCheckSecurityGroup, recovery.rowCountSecurityGroup].filter(
      (group) => group !== undefined,
    );
    if (readers.length > 0) {
      const endpoint = stack.vpc.addInterfaceEndpoint('SecretsManagerEndpoint', {
        service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
        open: false,
      });
      for (const group of readers) endpoint.connections.allowDefaultPortFrom(group);
    }
  }
}

class SiteStack extends Stack {
  public readonly recoverySite: RecoverySite;

  public constructor(scope: Construct, id: string, configuration: Configuration, env: Environment) {
    super(scope, id, { env, description: 'DR site of WSO2 Identity Server' });
    this.recoverySite = new RecoverySite(this, 'RecoverySite', {
      siteName: configuration.siteName,
      manifestAuthentication: authenticationOf(configuration),
      encryptionKey: givenKey(this, configuration.keys.dr),
      restoreTesting: configuration.restoreTesting,
      airGappedVault: configuration.airGappedVault,
      removalPolicy: removalPolicy(configuration),
    });
    subscribe(this.recoverySite.failureTopic, configuration.email);
    output(this, 'DrillFunction', this.recoverySite.drillFunction.functionArn, 'Invoke it with {"deployment": NAME}');
    output(this, 'ReplicaBucket', this.recoverySite.replicaBucket.bucketName, 'Replicated archives; drill reports');
    output(this, 'DrVault', this.recoverySite.vault.backupVaultName, 'Copies of the recovery points');
    output(this, 'SiteFailures', this.recoverySite.failureTopic.topicArn, 'Subscribe to it');
  }

  /** Any two zones, so that the synth needs no look-up in the account. */
  public override get availabilityZones(): string[] {
    return anyTwoZones();
  }
}

/** What is protected, and the network that reaches it. */
interface Parts {
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly databases: ProtectedDatabase[];
  readonly volumes: Volume[];
  readonly baseline?: BaselineOptions;
}

function addRecovery(
  scope: Stack,
  configuration: Configuration,
  site: RecoverySite,
  parts: Parts,
): IdentityServerRecovery {
  const { drillSchedule, inRegionDrillSchedule } = configuration;
  const recovery = new IdentityServerRecovery(scope, 'Recovery', {
    ...parts,
    deploymentName: configuration.name,
    deployment: deploymentOf(configuration),
    objectives: RecoveryObjectives.of(configuration.objectives),
    backupRetention: configuration.retention,
    assumptions: configuration.assumptions,
    inRegionRecovery: configuration.inRegionRecovery
      ? { drillSchedule: inRegionDrillSchedule === undefined ? undefined : Schedule.expression(inRegionDrillSchedule) }
      : undefined,
    site,
    encryptionKey: givenKey(scope, configuration.keys.primary),
    audit: configuration.audit,
    rowCounts: configuration.rowCounts,
    drill: drillSchedule === undefined ? { scheduled: false } : { schedule: Schedule.expression(drillSchedule) },
    removalPolicy: removalPolicy(configuration),
  });
  subscribe(recovery.failureTopic, configuration.email);
  output(scope, 'ArtifactBucket', recovery.artifactBucket.bucketName, 'Artifact archives and the recovery plan');
  output(scope, 'Vault', recovery.vault.backupVaultName, 'Recovery points of this Region');
  output(scope, 'BackupRole', recovery.backupRole.roleArn, 'For backup jobs on demand');
  output(scope, 'Failures', recovery.failureTopic.topicArn, 'Subscribe to it');
  return recovery;
}

const givenKey = (scope: Stack, arn: string | undefined) =>
  arn === undefined ? undefined : kms.Key.fromKeyArn(scope, 'EncryptionKey', arn);

function authenticationOf({ manifests }: Configuration): ManifestAuthentication | undefined {
  if (manifests === undefined) return undefined;
  const { signed, keyArn, acceptUnsigned } = manifests;
  if (!signed) return ManifestAuthentication.none();
  return keyArn === undefined
    ? ManifestAuthentication.withSiteKey({ acceptUnsigned })
    : ManifestAuthentication.withKey(keyArn, { acceptUnsigned });
}

const deploymentOf = ({ deploymentPath, resolve }: Configuration) =>
  DeploymentToml.fromFile(deploymentPath, { resolve });

/** The sample's one instance holds whatever the file declares. */
function sampleParts(stack: IdentityServerStack, configuration: Configuration): Parts {
  const datasources = deploymentOf(configuration).databases.map(({ datasource }) => datasource);
  return {
    vpc: stack.vpc,
    databases: [ProtectedDatabase.fromInstance(stack.database, { datasources, credentials: stack.database.secret! })],
    volumes: [Volume.fromAccessPoint(stack.repository, { mountedAt: 'repository' })],
  };
}

function sampleDatabaseType(configuration: Configuration): string {
  const { databases } = deploymentOf(configuration);
  const types = [...new Set(databases.filter(({ embedded }) => !embedded).map(({ type }) => type))];
  if (types.length > 1) {
    throw new Error(
      `deployment.toml must declare databases of one type where [sample] makes their instance, got ${types.join(' and ')}: ` +
        'use one of these, or [existing] with the instances that are there',
    );
  }
  // Of embedded databases alone the construct says what is wrong with them.
  return types[0] ?? 'postgre';
}

function existingParts(stack: Stack, existing: Existing): Parts {
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: existing.vpcId,
    availabilityZones: existing.availabilityZones,
    privateSubnetIds: existing.subnetIds,
  });
  // Nothing here asks for the route tables, of which the CDK warns that it was given none.
  Annotations.of(vpc).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId', 'not needed');
  return {
    vpc,
    databases: existing.databases.map(({ instanceArn, secretArn, ...rest }, index) =>
      ProtectedDatabase.fromInstanceArn(instanceArn, {
        ...rest,
        credentials: Secret.fromSecretCompleteArn(stack, `Credentials${index}`, secretArn),
      }),
    ),
    volumes: existing.volumes.map(({ accessPointId, fileSystemId, securityGroupId, ...rest }, index) =>
      Volume.fromAccessPoint(
        existingAccessPoint(stack, `${index}`, { accessPointId, fileSystemId, securityGroupId }),
        rest,
      ),
    ),
    baseline: existing.serverDirectory && {
      serverDirectory: existingAccessPoint(stack, 'Server', existing.serverDirectory),
      productVersion: existing.serverDirectory.productVersion,
    },
  };
}

const existingAccessPoint = (
  stack: Stack,
  suffix: string,
  { accessPointId, fileSystemId, securityGroupId }: ExistingAccessPoint,
): efs.IAccessPoint =>
  efs.AccessPoint.fromAccessPointAttributes(stack, `AccessPoint${suffix}`, {
    accessPointId,
    fileSystem: efs.FileSystem.fromFileSystemAttributes(stack, `FileSystem${suffix}`, {
      fileSystemId,
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, `Mount${suffix}`, securityGroupId),
    }),
  });

const removalPolicy = ({ destroy }: Configuration) => (destroy ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);

function subscribe(topic: ITopic, email: readonly string[]): void {
  for (const address of email) topic.addSubscription(new EmailSubscription(address));
}

function output(scope: Stack, name: string, value: string, description: string): void {
  new CfnOutput(scope, name, { value, description });
}
