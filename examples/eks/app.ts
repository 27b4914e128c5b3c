// An identity server on EKS: only `tenants` and `userstores` are volumes, EFS access points of one file system, mounted by the CSI
// driver; deployment.toml comes out of a ConfigMap. What runs is the truth:
//   kubectl -n wso2 get configmap identity-server-conf -o json > configmap.json
// or, before it runs, `helm template ... | kubectl create --dry-run=client -o json -f -`. Keystores are in Kubernetes secrets here:
// they are on no volume, so keep them elsewhere too; a drill that misses them says so.
import { readFileSync } from 'node:fs';
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
const drStack = new DrStack(app, 'IdentityServerDr', { env: { account, region: 'us-west-2' } });
const site = new RecoverySite(drStack, 'RecoverySite');

const stack = new Stack(app, 'IdentityServerRecovery', { env: { account, region: 'us-east-1' } });
const configMap = JSON.parse(readFileSync(join(__dirname, 'configmap.json'), 'utf8')) as {
  data: { 'deployment.toml': string };
};
const fileSystem = efs.FileSystem.fromFileSystemAttributes(stack, 'Files', {
  fileSystemId: 'fs-0123456789abcdef0',
  securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Mount', 'sg-0123456789abcdef0'),
});
// The `volumeHandle` of each PersistentVolume is FILE_SYSTEM_ID::ACCESS_POINT_ID.
const volume = (id: string, accessPointId: string, mountedAt: string) =>
  Volume.fromAccessPoint(efs.AccessPoint.fromAccessPointAttributes(stack, id, { accessPointId, fileSystem }), {
    mountedAt,
    name: id.toLowerCase(),
  });

new IdentityServerRecovery(stack, 'Recovery', {
  deployment: DeploymentToml.fromString(configMap.data['deployment.toml']),
  databases: [
    ProtectedDatabase.fromInstance(
      rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
        instanceIdentifier: 'is',
        instanceEndpointAddress: 'is.abcdefghijkl.us-east-1.rds.amazonaws.com',
        port: 1433,
        securityGroups: [],
      }),
      {
        credentials: Secret.fromSecretCompleteArn(
          stack,
          'Credentials',
          `arn:aws:secretsmanager:us-east-1:${account}:secret:is-AbCdEf`,
        ),
      },
    ),
  ],
  volumes: [
    volume('Tenants', 'fsap-0123456789abcdef0', 'repository/tenants'),
    volume('Userstores', 'fsap-0123456789abcdef1', 'repository/deployment/server/userstores'),
  ],
  vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a', 'us-east-1b'],
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
