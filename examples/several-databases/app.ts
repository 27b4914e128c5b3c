// One instance per database, of three engines, and a volume per path. Each database finds its instance by the host that
// deployment.toml calls it by.
import { join } from 'node:path';
import { App, Duration, Fn, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from 'cdk-wso2is-recovery';

const app = new App();
const account = '111122223333';

class DrStack extends Stack {
  public override get availabilityZones(): string[] {
    return [0, 1].map((index) => Fn.select(index, Fn.getAzs()));
  }
}
const drStack = new DrStack(app, 'IdentityServerDr', { env: { account, region: 'eu-west-1' } });
const site = new RecoverySite(drStack, 'RecoverySite');

const stack = new Stack(app, 'IdentityServerRecovery', { env: { account, region: 'eu-central-1' } });

const instance = (name: string, size: Size) =>
  ProtectedDatabase.fromInstanceArn(`arn:aws:rds:eu-central-1:${account}:db:${name}`, {
    hostnames: [`${name}.example.com`],
    credentials: Secret.fromSecretCompleteArn(
      stack,
      `${name}-credentials`,
      `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}-AbCdEf`,
    ),
    size,
  });

const volume = (mountedAt: string, suffix: string, name: string) =>
  Volume.fromAccessPoint(
    efs.AccessPoint.fromAccessPointAttributes(stack, `Access-${name}`, {
      accessPointId: `fsap-0123456789abcde${suffix}`,
      fileSystem: efs.FileSystem.fromFileSystemAttributes(stack, `Files-${name}`, {
        fileSystemId: `fs-0123456789abcde${suffix}`,
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, `Mount-${name}`, `sg-0123456789abcde${suffix}`),
      }),
    }),
    { mountedAt, name },
  );

new IdentityServerRecovery(stack, 'Recovery', {
  deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
  databases: [
    instance('identity', Size.gibibytes(200)),
    instance('shared', Size.gibibytes(50)),
    instance('sessions', Size.gibibytes(20)),
  ],
  volumes: [
    volume('repository/conf', 'f0', 'conf'),
    volume('repository/resources', 'f1', 'resources'),
    volume('repository/tenants', 'f2', 'tenants'),
  ],
  vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  }),
  objectives: RecoveryObjectives.of({
    rpo: Duration.hours(1),
    rto: Duration.hours(6),
    drSite: { rpo: Duration.hours(8), rto: Duration.hours(8) },
  }),
  site,
});
app.synth();
