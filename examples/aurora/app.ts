// An Aurora cluster that this app owns. A drill restores it from its copy, with one instance. (WSO2 does not list Aurora among the
// databases that IS is tested with.)
//
// An RDS Multi-AZ DB *cluster*, `ProtectedDatabase.fromMultiAzClusterArn`, stops the synth: AWS copies no snapshot of it to another
// Region. A Multi-AZ DB *instance* is `fromInstance`, as any other instance.
import { join } from 'node:path';
import { App, Duration, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from 'cdk-wso2is-recovery';

const account = process.env['CDK_DEFAULT_ACCOUNT'];

class DrStack extends Stack {
  public readonly site = new RecoverySite(this, 'RecoverySite');

  public override get availabilityZones(): string[] {
    return twoZones();
  }
}

class IdentityServerStack extends Stack {
  public constructor(scope: Construct, id: string, props: StackProps & { readonly site: RecoverySite }) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2, natGateways: 1 });
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    const cluster = new rds.DatabaseCluster(this, 'Database', {
      vpc,
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_5 }),
      writer: rds.ClusterInstance.serverlessV2('Writer'),
      storageEncrypted: true,
    });
    const repository = new efs.FileSystem(this, 'Repository', { vpc, encrypted: true }).addAccessPoint('Access', {
      path: '/repository',
      createAcl: { ownerUid: '802', ownerGid: '802', permissions: '750' },
      posixUser: { uid: '802', gid: '802' },
    });
    new IdentityServerRecovery(this, 'Recovery', {
      deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
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
      site: props.site,
    });
  }

  public override get availabilityZones(): string[] {
    return twoZones();
  }
}

function twoZones(): string[] {
  return [0, 1].map((index) => Fn.select(index, Fn.getAzs()));
}

const app = new App();
const { site } = new DrStack(app, 'IdentityServerDr', { env: { account, region: 'eu-west-1' } });
new IdentityServerStack(app, 'IdentityServer', { env: { account, region: 'eu-central-1' }, site });
app.synth();
