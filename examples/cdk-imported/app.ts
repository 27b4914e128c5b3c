// A CDK app that knows the identity server by its attributes alone: network, database and volume are of other stacks or
// accounts' teams. In place of `fromVpcAttributes`, `ec2.Vpc.fromLookup(stack, 'Vpc', { vpcId })` asks the account at synth.
import { join } from 'node:path';
import { App, Duration, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
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
const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: 'vpc-0123456789abcdef0',
  availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
});
const database = rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
  instanceIdentifier: 'wso2is',
  instanceEndpointAddress: 'wso2is.abcdefghijkl.eu-central-1.rds.amazonaws.com',
  port: 5432,
  securityGroups: [],
});
const repository = efs.AccessPoint.fromAccessPointAttributes(stack, 'Repository', {
  accessPointId: 'fsap-0123456789abcdef0',
  fileSystem: efs.FileSystem.fromFileSystemAttributes(stack, 'Files', {
    fileSystemId: 'fs-0123456789abcdef0',
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Mount', 'sg-0123456789abcdef0'),
  }),
});
// With a replica in the DR Region and the tag `wso2is-recovery:site`: an imported secret is left as it is.
const credentials = Secret.fromSecretCompleteArn(
  stack,
  'Credentials',
  `arn:aws:secretsmanager:eu-central-1:${account}:secret:wso2is-AbCdEf`,
);

new IdentityServerRecovery(stack, 'Recovery', {
  deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
  // No `datasources`: deployment.toml has the endpoint, by which each database finds its instance.
  databases: [ProtectedDatabase.fromInstance(database, { credentials })],
  volumes: [Volume.fromAccessPoint(repository, { mountedAt: 'repository' })],
  vpc,
  objectives: RecoveryObjectives.of({
    rpo: Duration.hours(1),
    rto: Duration.hours(4),
    drSite: { rpo: Duration.hours(2), rto: Duration.hours(8) },
  }),
  site,
});
app.synth();
