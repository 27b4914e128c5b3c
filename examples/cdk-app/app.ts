// A CDK app that owns the network, the database and the volume of an identity server, and protects them.
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

  // Without a look-up of the zones in the account.
  public override get availabilityZones(): string[] {
    return twoZones();
  }
}

class IdentityServerStack extends Stack {
  public constructor(scope: Construct, id: string, props: StackProps & { readonly site: RecoverySite }) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2, natGateways: 1 });
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    const database = new rds.DatabaseInstance(this, 'Database', {
      vpc,
      engine: rds.DatabaseInstanceEngine.mysql({ version: rds.MysqlEngineVersion.of('8.4.9', '8.4') }),
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.M7G, ec2.InstanceSize.LARGE),
      multiAz: true,
      storageEncrypted: true,
      preferredBackupWindow: '02:00-02:30',
      preferredMaintenanceWindow: 'sun:03:00-sun:03:30',
    });
    const repository = new efs.FileSystem(this, 'Repository', { vpc, encrypted: true }).addAccessPoint('Access', {
      path: '/repository',
      createAcl: { ownerUid: '802', ownerGid: '802', permissions: '750' },
      posixUser: { uid: '802', gid: '802' },
    });

    // All that recovery adds to the stack.
    new IdentityServerRecovery(this, 'Recovery', {
      deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
      databases: [
        ProtectedDatabase.fromInstance(database, {
          datasources: ['identity_db', 'shared_db'],
          credentials: database.secret!,
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
