// The stack goes on in the CDK: its template is included as it is, keeps its name and its logical ids, and recovery is added
// beside. `cdk diff` of it shows additions alone. Warnings say what in the template endangers recovery.
import { join } from 'node:path';
import { App, Duration, Fn, SecretValue, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import {
  DeploymentToml,
  IdentityServerRecovery,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  Volume,
} from 'cdk-wso2is-recovery';

const app = new App();
const account = process.env['CDK_DEFAULT_ACCOUNT'];

class DrStack extends Stack {
  public override get availabilityZones(): string[] {
    return [0, 1].map((index) => Fn.select(index, Fn.getAzs()));
  }
}
const drStack = new DrStack(app, 'IdentityServerDr', { env: { account, region: 'eu-west-1' } });
const site = new RecoverySite(drStack, 'RecoverySite');

// The name of the stack that is there.
const stack = new Stack(app, 'wso2is', { env: { account, region: 'eu-central-1' } });
const template = new CfnInclude(stack, 'Template', { templateFile: join(__dirname, 'template.yaml') });

const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
  vpcId: template.getParameter('VpcId').valueAsString,
  availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  privateSubnetIds: [
    template.getParameter('PrivateSubnet1').valueAsString,
    template.getParameter('PrivateSubnet2').valueAsString,
  ],
});
const instance = template.getResource('Database') as rds.CfnDBInstance;
const database = rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'ImportedDatabase', {
  instanceIdentifier: instance.ref,
  instanceEndpointAddress: instance.attrEndpointAddress,
  port: 3306,
  securityGroups: [],
});
// The template has the credentials as parameters; a drill needs them as a secret.
const credentials = new Secret(stack, 'Credentials', {
  secretObjectValue: {
    username: SecretValue.unsafePlainText(template.getParameter('DBUsername').valueAsString),
    password: SecretValue.cfnParameter(template.getParameter('DBPassword')),
  },
});
// The nodes mount the root of the file system, so exports read it as root.
const files = template.getResource('Files') as efs.CfnFileSystem;
const accessPoint = new efs.AccessPoint(stack, 'RepositoryForExports', {
  fileSystem: efs.FileSystem.fromFileSystemAttributes(stack, 'ImportedFiles', {
    fileSystemId: files.ref,
    // The rule that lets the exports in is a resource of its own: the group of the template stays as it is.
    securityGroup: ec2.SecurityGroup.fromSecurityGroupId(
      stack,
      'Mount',
      (template.getResource('FilesSecurityGroup') as ec2.CfnSecurityGroup).attrGroupId,
    ),
  }),
  path: '/',
  posixUser: { uid: '0', gid: '0' },
});

new IdentityServerRecovery(stack, 'Recovery', {
  deployment: DeploymentToml.fromFile(join(__dirname, 'deployment.toml')),
  databases: [
    ProtectedDatabase.fromInstance(database, {
      name: 'database',
      datasources: ['identity_db', 'shared_db'],
      credentials,
    }),
  ],
  volumes: [Volume.fromAccessPoint(accessPoint, { mountedAt: 'repository' })],
  vpc,
  objectives: RecoveryObjectives.of({
    rpo: Duration.hours(1),
    rto: Duration.hours(4),
    drSite: { rpo: Duration.hours(8), rto: Duration.hours(8) },
  }),
  site,
});
app.synth();
