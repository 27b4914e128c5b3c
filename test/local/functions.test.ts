import { CloudFormationClient, DeleteStackCommand, waitUntilStackDeleteComplete } from '@aws-sdk/client-cloudformation';
import {
  DeleteFileSystemCommand,
  DescribeFileSystemsCommand,
  DeleteMountTargetCommand,
  DescribeMountTargetsCommand,
  EFSClient,
} from '@aws-sdk/client-efs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { createStack, eventually, inlineFunction, outputsOf, type Resources } from './stack';

const REGION = 'eu-west-1';
const FILES = `const fs = require('fs');
exports.handler = async ({ write }) => {
  if (write) fs.writeFileSync(process.env.MOUNT_PATH + '/' + write, 'content');
  return { files: fs.readdirSync(process.env.MOUNT_PATH), other: process.env.OTHER, region: process.env.AWS_REGION, node: process.version };
};`;
// A client made without an endpoint, or with AWS's own: where does it get to?
const OUTSIDE = `const { S3Client, ListBucketsCommand } = require('@aws-sdk/client-s3');
exports.handler = async ({ endpoint, unset }) => {
  if (unset) delete process.env.AWS_ENDPOINT_URL;
  try {
    await new S3Client({ endpoint, region: 'eu-west-1', maxAttempts: 1 }).send(new ListBucketsCommand({}));
    return 'reached';
  } catch (error) { return String(error.code ?? error.name); }
};`;
const FAILS = `exports.handler = async () => { require('fs').appendFileSync(process.env.COUNTS + '/attempts', 'x'); throw new Error('export broke'); };`;
const LETTER = `exports.handler = async ({ Records: [{ Sns }] }) => require('fs').writeFileSync(process.env.COUNTS + '/letter', Sns.Message);`;
const TICK = `exports.handler = async () => require('fs').appendFileSync(process.env.COUNTS + '/ticks', 'x');`;

let aws: LocalAws;
let client: LambdaClient;
let efs: EFSClient;

before(async () => {
  aws = await startLocalAws();
  client = new LambdaClient(aws.clientConfig(REGION));
  efs = new EFSClient(aws.clientConfig(REGION));
  const Environment = { Variables: { COUNTS: aws.dataDir } };
  const mounted = (accessPoint: string, mountPath = '/mnt/is') => ({
    FileSystemConfigs: [{ Arn: { 'Fn::GetAtt': [accessPoint, 'Arn'] }, LocalMountPath: '/mnt/is' }],
    Environment: { Variables: { MOUNT_PATH: mountPath, OTHER: '/mnt/is-not' } },
  });
  const accessPoint = (fileSystem: string, RootDirectory: unknown) => ({
    Type: 'AWS::EFS::AccessPoint',
    Properties: { FileSystemId: { Ref: fileSystem }, RootDirectory },
  });
  const made = { Path: '/repository', CreationInfo: { OwnerUid: '1000', OwnerGid: '1000', Permissions: '750' } };
  const topic = 'arn:aws:sns:eu-west-1:123456789012:failures';
  const target = (name: string) => [{ Id: name, Arn: `arn:aws:lambda:eu-west-1:123456789012:function:${name}` }];
  const stack = await createStack(aws, REGION, 'functions', {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    Subnet: {
      Type: 'AWS::EC2::Subnet',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.0.0.0/24', AvailabilityZone: 'eu-west-1a' },
    },
    Files: { Type: 'AWS::EFS::FileSystem', Properties: { FileSystemTags: [{ Key: 'Name', Value: 'files' }] } },
    Lonely: { Type: 'AWS::EFS::FileSystem', Properties: { FileSystemTags: [{ Key: 'Name', Value: 'lonely' }] } },
    MountTarget: {
      Type: 'AWS::EFS::MountTarget',
      Properties: { FileSystemId: { Ref: 'Files' }, SubnetId: { Ref: 'Subnet' }, SecurityGroups: [] },
    },
    Repository: accessPoint('Files', made),
    Missing: accessPoint('Files', { Path: '/missing' }),
    Unreachable: accessPoint('Lonely', made),
    FilesFunction: { ...inlineFunction('files', FILES, mounted('Repository')), DependsOn: ['MountTarget'] },
    MissingFunction: { ...inlineFunction('missing', FILES, mounted('Missing')), DependsOn: ['MountTarget'] },
    UnreachableFunction: inlineFunction('unreachable', FILES, mounted('Unreachable')),
    LateFunction: {
      ...inlineFunction('late', FILES, mounted('Repository', '/mnt/is/sub')),
      DependsOn: ['MountTarget'],
    },
    Outside: inlineFunction('outside', OUTSIDE),
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'failures' } },
    Letter: inlineFunction('letter', LETTER, { Environment }),
    Subscription: {
      Type: 'AWS::SNS::Subscription',
      DependsOn: ['Topic', 'Letter'],
      Properties: {
        TopicArn: topic,
        Protocol: 'lambda',
        Endpoint: 'arn:aws:lambda:eu-west-1:123456789012:function:letter',
      },
    },
    Fails: inlineFunction('fails', FAILS, { Environment }),
    FailsConfig: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      DependsOn: ['Fails', 'Topic'],
      Properties: {
        FunctionName: 'fails',
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: topic } },
      },
    },
    FailsRule: {
      Type: 'AWS::Events::Rule',
      DependsOn: ['Fails'],
      Properties: { EventPattern: { source: ['test.fails'] }, Targets: target('fails') },
    },
    Tick: inlineFunction('tick', TICK, { Environment }),
    TickRule: {
      Type: 'AWS::Events::Rule',
      DependsOn: ['Tick'],
      Properties: { EventPattern: { source: ['test.tick'] }, Targets: target('tick') },
    },
  });
  assert.deepEqual(stack, { status: 'CREATE_COMPLETE', reasons: [] });
});

afterEach(() => aws.clearFaults());
after(() => aws.stop());

async function invoke(FunctionName: string, event: object = {}): Promise<{ error?: string; answer: unknown }> {
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  return { error: FunctionError, answer: JSON.parse(Payload?.transformToString() || 'null') };
}

async function fileSystemId(name: string): Promise<string> {
  const { FileSystems } = await efs.send(new DescribeFileSystemsCommand({}));
  return FileSystems!.find((fileSystem) => fileSystem.Name === name)!.FileSystemId!;
}

const put = (source: string) =>
  new EventBridgeClient(aws.clientConfig(REGION)).send(
    new PutEventsCommand({ Entries: [{ Source: source, DetailType: 'test', Detail: '{}' }] }),
  );

test('a function finds its access point at the mount path, on Node 24, in its Region', async () => {
  const { answer } = await invoke('files', { write: 'hello' });
  const { node, ...rest } = answer as { node: string };
  assert.deepEqual(rest, { files: ['hello'], other: '/mnt/is-not', region: 'eu-west-1' });
  assert.match(node, /^v24\./);
  const folder = join(aws.fileSystemPath(await fileSystemId('files')), 'repository');
  assert.equal(await readFile(join(folder, 'hello'), 'utf8'), 'content');
  assert.equal((await stat(folder)).mode & 0o777, 0o750);
});

test('a root directory that nobody may create fails the mount', async () => {
  await assert.rejects(async () => {
    const { error, answer } = await invoke('missing');
    throw new Error(`${error}: ${JSON.stringify(answer)}`);
  }, /EFSMountFailureException: \/missing does not exist/);
});

test('a file system without a mount target cannot be reached', async () => {
  await assert.rejects(async () => {
    const { error, answer } = await invoke('unreachable');
    throw new Error(`${error}: ${JSON.stringify(answer)}`);
  }, /EFSMountConnectivityException/);
});

test('a function that asks for AWS itself gets to the local AWS', async () => {
  const listed = async () =>
    (await aws.calls()).filter((call) => call.service === 's3' && call.method === 'GET' && call.path === '/').length;
  for (const event of [{}, { unset: true }, { endpoint: 'https://s3.eu-west-1.amazonaws.com' }]) {
    const earlier = await listed();
    assert.equal((await invoke('outside', event)).answer, 'reached', JSON.stringify(event));
    assert.equal(await listed(), earlier + 1);
  }
  assert.equal((await invoke('outside', { endpoint: 'https://s3.example.com' })).answer, 'ECONNREFUSED');
});

test('a failing function that a rule starts is retried, then reaches its failure destination', async () => {
  await put('test.fails');
  const letter = await eventually('the failure', async () =>
    readFile(join(aws.dataDir, 'letter'), 'utf8').then(
      (text) => text || undefined,
      () => undefined,
    ),
  );
  const { requestContext, responsePayload } = JSON.parse(letter) as {
    requestContext: { condition: string };
    responsePayload: { errorMessage: string };
  };
  assert.equal(requestContext.condition, 'RetriesExhausted');
  assert.equal(responsePayload.errorMessage, 'export broke');
  assert.equal(await readFile(join(aws.dataDir, 'attempts'), 'utf8'), 'xx');
});

test('in a Region that is gone no function runs', async () => {
  await put('test.tick');
  await eventually('a tick', async () => (existsSync(join(aws.dataDir, 'ticks')) ? true : undefined));
  await aws.addFault({ kind: 'region-gone', match: 'eu-west-1' });
  const hasty = new LambdaClient({ ...aws.clientConfig(REGION), maxAttempts: 1 });
  await assert.rejects(hasty.send(new InvokeCommand({ FunctionName: 'tick' })), { name: 'ServiceUnavailable' });
  await aws.clearFaults();
  await sleep(200);
  assert.equal(await readFile(join(aws.dataDir, 'ticks'), 'utf8'), 'x');
});

test('what CloudFormation was told can be read back', async () => {
  const config = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'files' }));
  assert.equal(config.FileSystemConfigs?.[0]?.LocalMountPath, '/mnt/is');
});

test('addresses, NAT gateways and nodes of a template are records, and what they name must be there', async () => {
  const network: Resources = {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.1.0.0/16' } },
    Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.1.0.0/24' } },
    Address: { Type: 'AWS::EC2::EIP', Properties: { Domain: 'vpc' } },
    Nat: {
      Type: 'AWS::EC2::NatGateway',
      Properties: { SubnetId: { Ref: 'Subnet' }, AllocationId: { 'Fn::GetAtt': ['Address', 'AllocationId'] } },
    },
    Node: { Type: 'AWS::EC2::Instance', Properties: { ImageId: 'ami-1', SubnetId: { Ref: 'Subnet' } } },
  };
  const made = await createStack(aws, REGION, 'network', network, {
    Address: { Ref: 'Address' },
    Nat: { Ref: 'Nat' },
    Node: { 'Fn::GetAtt': ['Node', 'PrivateIp'] },
  });
  assert.deepEqual(made, { status: 'CREATE_COMPLETE', reasons: [] });
  const { Address, Nat, Node } = await outputsOf(aws, REGION, 'network');
  assert.match(Address!, /^52(\.\d+){3}$/);
  assert.match(Nat!, /^nat-/);
  assert.match(Node!, /^10\.0(\.\d+){2}$/);
  const cloudFormation = new CloudFormationClient(aws.clientConfig(REGION));
  await cloudFormation.send(new DeleteStackCommand({ StackName: 'network' }));
  await waitUntilStackDeleteComplete(
    { client: cloudFormation, maxWaitTime: 60, minDelay: 1 },
    { StackName: 'network' },
  );

  const node = (SubnetId: string): Resources => ({
    Node: { Type: 'AWS::EC2::Instance', Properties: { ImageId: 'ami-1', SubnetId } },
  });
  const { reasons } = await createStack(aws, REGION, 'lost-node', node('subnet-0'));
  assert.match(reasons.join(), /AWS::EC2::Instance create failed: The subnet ID 'subnet-0' does not exist/);
  const { Vpc, Subnet, Nat: gateway } = network;
  const nat: Resources = {
    Vpc: Vpc!,
    Subnet: Subnet!,
    Nat: { ...gateway!, Properties: { SubnetId: { Ref: 'Subnet' }, AllocationId: 'eipalloc-0' } },
  };
  const failed = await createStack(aws, REGION, 'lost-address', nat);
  assert.match(failed.reasons.join(), /AWS::EC2::NatGateway create failed: no address eipalloc-0/);
});

test('after its file system was deleted a function fails instead of seeing an empty one', async () => {
  const id = await fileSystemId('files');
  const { MountTargets } = await efs.send(new DescribeMountTargetsCommand({ FileSystemId: id }));
  for (const { MountTargetId } of MountTargets ?? []) await efs.send(new DeleteMountTargetCommand({ MountTargetId }));
  await efs.send(new DeleteFileSystemCommand({ FileSystemId: id }));
  assert.equal(existsSync(aws.fileSystemPath(id)), false);
  await assert.rejects(async () => {
    const { error, answer } = await invoke('late');
    throw new Error(`${error}: ${JSON.stringify(answer)}`);
  }, /EFSMountFailureException: the file system fs-\w+ does not exist/);
});
