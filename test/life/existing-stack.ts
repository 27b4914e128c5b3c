/** A deployment that is there already: what an identity server's own stack makes, without anything of recovery. */
import { REGIONS } from '../../local/demo/configuration';
import type { LocalAws } from '../../local/local-aws';
import { createStack, outputsOf, type Resources } from '../local/stack';

export const ZONES = ['a', 'b'] as const;
const subnets = ZONES.map((zone) => ({ Ref: `Subnet${zone}` }));

/** On a file system of its own. */
export const SERVER_DIRECTORY = '/server';

/** What an identity server's own stack makes; nothing in it is for recovery but the secret's replica and tag. */
export const existingResources = (engine: string): Resources => ({
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.7.0.0/16' } },
  ...Object.fromEntries(
    ZONES.map((zone, index) => [
      `Subnet${zone}`,
      {
        Type: 'AWS::EC2::Subnet',
        Properties: {
          VpcId: { Ref: 'Vpc' },
          CidrBlock: `10.7.${index}.0/24`,
          AvailabilityZone: `${REGIONS.primary}${zone}`,
        },
      },
    ]),
  ),
  Group: {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: { GroupDescription: 'Mount targets', VpcId: { Ref: 'Vpc' } },
  },
  Secret: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: {
      GenerateSecretString: {
        SecretStringTemplate: '{"username":"wso2"}',
        GenerateStringKey: 'password',
        ExcludeCharacters: '"@/\\ ',
      },
      ReplicaRegions: [{ Region: REGIONS.dr }],
      Tags: [{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }],
    },
  },
  Subnets: {
    Type: 'AWS::RDS::DBSubnetGroup',
    Properties: { DBSubnetGroupDescription: 'identity', SubnetIds: subnets },
  },
  Database: {
    Type: 'AWS::RDS::DBInstance',
    Properties: {
      Engine: engine,
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: '20',
      DBSubnetGroupName: { Ref: 'Subnets' },
      MasterUsername: 'wso2',
      MasterUserPassword: {
        'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'Secret' }, ':SecretString:password::}}']],
      },
    },
  },
  ...Object.fromEntries(
    ['Files', 'ServerFiles'].flatMap((files) => [
      [files, { Type: 'AWS::EFS::FileSystem', Properties: { Encrypted: true } }],
      ...ZONES.map((zone) => [
        `${files}Mount${zone}`,
        {
          Type: 'AWS::EFS::MountTarget',
          Properties: {
            FileSystemId: { Ref: files },
            SubnetId: { Ref: `Subnet${zone}` },
            SecurityGroups: [{ Ref: 'Group' }],
          },
        },
      ]),
    ]),
  ),
  Access: {
    Type: 'AWS::EFS::AccessPoint',
    Properties: {
      FileSystemId: { Ref: 'Files' },
      PosixUser: { Uid: '802', Gid: '802' },
      RootDirectory: {
        Path: '/is',
        CreationInfo: { OwnerUid: '802', OwnerGid: '802', Permissions: '750' },
      },
    },
  },
  ServerAccess: {
    Type: 'AWS::EFS::AccessPoint',
    Properties: {
      FileSystemId: { Ref: 'ServerFiles' },
      PosixUser: { Uid: '802', Gid: '802' },
      RootDirectory: {
        Path: SERVER_DIRECTORY,
        CreationInfo: { OwnerUid: '802', OwnerGid: '802', Permissions: '750' },
      },
    },
  },
});

export const OUTPUTS = {
  Vpc: { Ref: 'Vpc' },
  SubnetA: { Ref: 'Subneta' },
  SubnetB: { Ref: 'Subnetb' },
  Group: { Ref: 'Group' },
  Secret: { Ref: 'Secret' },
  Database: { 'Fn::GetAtt': ['Database', 'DBInstanceArn'] },
  Files: { Ref: 'Files' },
  Access: { Ref: 'Access' },
  ServerFiles: { Ref: 'ServerFiles' },
  ServerAccess: { Ref: 'ServerAccess' },
};

export type Outputs = Awaited<ReturnType<typeof outputsOf>>;

/** Makes the stack, with what is changed of it, and gives its outputs. */
export async function createExisting(aws: LocalAws, engine: string, changed: Resources = {}): Promise<Outputs> {
  const resources = { ...existingResources(engine), ...changed };
  const { status, reasons } = await createStack(aws, REGIONS.primary, 'Existing', resources, OUTPUTS);
  if (status !== 'CREATE_COMPLETE') throw new Error(reasons.join('\n'));
  return outputsOf(aws, REGIONS.primary, 'Existing');
}

/** Of the stack, as `[existing]` takes them. */
export const identifiersOf = (outputs: Outputs) => ({
  vpc_id: outputs.Vpc!,
  availability_zones: ZONES.map((zone) => `${REGIONS.primary}${zone}`),
  subnet_ids: [outputs.SubnetA!, outputs.SubnetB!],
  database: { name: 'database', instance_arn: outputs.Database!, secret_arn: outputs.Secret! },
  volume: {
    file_system_id: outputs.Files!,
    access_point_id: outputs.Access!,
    security_group_id: outputs.Group!,
  },
  server_directory: {
    file_system_id: outputs.ServerFiles!,
    access_point_id: outputs.ServerAccess!,
    security_group_id: outputs.Group!,
  },
});
