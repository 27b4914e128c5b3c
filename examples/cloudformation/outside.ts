// The CloudFormation stack is left alone: recovery is a stack beside it, which knows the other by its identifiers. They are in
// `aws cloudformation describe-stack-resources --stack-name wso2is`; the access point and the secret are made once, see
// docs/migration.md. Nothing can be said here about how the resources of the other stack are set up.
import { join } from 'node:path';
import { App, Duration, Fn, Stack } from 'aws-cdk-lib';
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
new IdentityServerRecovery(stack, 'Recovery', {
  deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
  databases: [
    ProtectedDatabase.fromInstanceArn(`arn:aws:rds:eu-central-1:${account}:db:wso2is-database-1x2y3z`, {
      name: 'database',
      datasources: ['identity_db', 'shared_db'],
      credentials: Secret.fromSecretCompleteArn(
        stack,
        'Credentials',
        `arn:aws:secretsmanager:eu-central-1:${account}:secret:wso2is-AbCdEf`,
      ),
    }),
  ],
  volumes: [
    Volume.fromAccessPoint(
      efs.AccessPoint.fromAccessPointAttributes(stack, 'Repository', {
        accessPointId: 'fsap-0123456789abcdef0',
        fileSystem: efs.FileSystem.fromFileSystemAttributes(stack, 'Files', {
          fileSystemId: 'fs-0123456789abcdef0',
          securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Mount', 'sg-0123456789abcdef0'),
        }),
      }),
      { mountedAt: 'repository' },
    ),
  ],
  vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  }),
  objectives: RecoveryObjectives.of({
    rpo: Duration.hours(1),
    rto: Duration.hours(4),
    drSite: { rpo: Duration.hours(8), rto: Duration.hours(8) },
  }),
  site,
});
app.synth();
