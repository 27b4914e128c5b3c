// The DR site in another account of the organisation: who administers production's account cannot take away what is there.
// docs/other-account.md says what must be there first, and what AWS Backup needs to be told.
import { join } from 'node:path';
import { App, Duration, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ManifestAuthentication,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from 'cdk-wso2is-recovery';

const app = new App();
const production = { account: '111122223333', region: 'eu-central-1' };
const dr = { account: '444455556666', region: 'eu-west-1' };

class DrStack extends Stack {
  public override get availabilityZones(): string[] {
    return [0, 1].map((index) => Fn.select(index, Fn.getAzs()));
  }
}

const site = new RecoverySite(new DrStack(app, 'IdentityServerDr', { env: dr }), 'RecoverySite', {
  // A key of the DR account, with a replica in production's Region: production may sign with it, and not take it away.
  manifestAuthentication: ManifestAuthentication.withKey(
    `arn:aws:kms:${dr.region}:${dr.account}:key/mrk-0123456789abcdef0123456789abcdef`,
  ),
});

const stack = new Stack(app, 'IdentityServerRecovery', { env: production });
new IdentityServerRecovery(stack, 'Recovery', {
  deploymentName: 'production',
  deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
  databases: [
    ProtectedDatabase.fromInstanceArn(`arn:aws:rds:${production.region}:${production.account}:db:identity`, {
      name: 'database',
      datasources: ['identity_db', 'shared_db'],
      credentials: Secret.fromSecretCompleteArn(
        stack,
        'Credentials',
        `arn:aws:secretsmanager:${production.region}:${production.account}:secret:identity-AbCdEf`,
      ),
      // The same user and password, in the DR account.
      drSiteSecretArn: `arn:aws:secretsmanager:${dr.region}:${dr.account}:secret:identity-GhIjKl`,
      backupWindow: '02:00-02:30',
      maintenanceWindow: 'sun:03:00-sun:03:30',
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
    availabilityZones: [`${production.region}a`, `${production.region}b`],
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
