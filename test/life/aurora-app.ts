// An identity server whose databases are on an Aurora cluster, with its recovery in both Regions.
import { App, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { readConfiguration } from '../../bin/configuration/configuration';
import { anyTwoZones } from '../../bin/sample/identity-server-stack';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from '../../lib';

const app = new App();
const { account, name, deploymentPath, primaryRegion, drRegion } = readConfiguration(
  String(app.node.getContext('config')),
);
const removalPolicy = RemovalPolicy.DESTROY;

class DrStack extends Stack {
  public readonly site = new RecoverySite(this, 'RecoverySite', { removalPolicy });

  public override get availabilityZones(): string[] {
    return anyTwoZones();
  }
}

class IdentityServerStack extends Stack {
  public constructor(scope: Construct, id: string, props: StackProps & { readonly site: RecoverySite }) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      restrictDefaultSecurityGroup: false,
    });
    const vpcSubnets = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    vpc.addInterfaceEndpoint('SecretsManager', {
      service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      open: false,
    });
    const cluster = new rds.DatabaseCluster(this, 'Database', {
      vpc,
      vpcSubnets,
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_5 }),
      writer: rds.ClusterInstance.serverlessV2('Writer'),
      credentials: rds.Credentials.fromGeneratedSecret('wso2'),
      defaultDatabaseName: 'identity_db',
      storageEncrypted: true,
      removalPolicy,
    });
    const repository = new efs.FileSystem(this, 'Repository', {
      vpc,
      vpcSubnets,
      encrypted: true,
      removalPolicy,
    }).addAccessPoint('Access', {
      path: '/repository',
      createAcl: { ownerUid: '802', ownerGid: '802', permissions: '750' },
      posixUser: { uid: '802', gid: '802' },
    });
    new IdentityServerRecovery(this, 'Recovery', {
      deploymentName: name,
      deployment: DeploymentToml.fromFile(deploymentPath),
      databases: [
        ProtectedDatabase.fromCluster(cluster, {
          datasources: ['identity_db', 'shared_db'],
          credentials: cluster.secret!,
        }),
      ],
      volumes: [Volume.fromAccessPoint(repository, { mountedAt: 'repository' })],
      vpc,
      objectives: RecoveryObjectives.of({
        rpo: Duration.hours(1),
        rto: Duration.hours(4),
        drSite: { rpo: Duration.hours(8), rto: Duration.hours(8) },
      }),
      inRegionRecovery: {},
      drill: { scheduled: false },
      site: props.site,
      removalPolicy,
    });
  }

  public override get availabilityZones(): string[] {
    return anyTwoZones();
  }
}

const { site } = new DrStack(app, 'RecoverySite', { env: { account, region: drRegion } });
new IdentityServerStack(app, 'IdentityServer', { env: { account, region: primaryRegion }, site });
app.synth();
