// GovCloud and China: the DR Region is in the same partition, and no ARN names one. The synth warns that AWS has announced Lambda durable
// functions, which exports and drills are, for neither: nothing of it can be deployed there until it does.
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

/** What is there of one deployment: put its identifiers here. */
function protect(stack: Stack, name: string, site: RecoverySite): IdentityServerRecovery {
  const { region, partition } = stack;
  return new IdentityServerRecovery(stack, 'Recovery', {
    deploymentName: name,
    deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
    databases: [
      ProtectedDatabase.fromInstanceArn(`arn:${partition}:rds:${region}:${account}:db:${name}`, {
        name: 'database',
        datasources: ['identity_db', 'shared_db'],
        credentials: Secret.fromSecretCompleteArn(
          stack,
          'Credentials',
          `arn:${partition}:secretsmanager:${region}:${account}:secret:${name}-AbCdEf`,
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
      availabilityZones: [`${region}a`, `${region}b`],
      privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    }),
    objectives: RecoveryObjectives.of({
      rpo: Duration.hours(1),
      rto: Duration.hours(4),
      drSite: { rpo: Duration.hours(8), rto: Duration.hours(8) },
    }),
    site,
  });
}

for (const [name, primary, dr] of [
  ['gov', 'us-gov-west-1', 'us-gov-east-1'],
  ['china', 'cn-north-1', 'cn-northwest-1'],
] as const) {
  const site = new RecoverySite(new DrStack(app, `${name}-dr`, { env: { account, region: dr } }), 'RecoverySite');
  protect(new Stack(app, `${name}-recovery`, { env: { account, region: primary } }), name, site);
}
app.synth();
