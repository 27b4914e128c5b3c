import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { link, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BackupClient,
  DeleteBackupVaultCommand,
  DeleteRecoveryPointCommand,
  DescribeBackupJobCommand,
  DescribeBackupVaultCommand,
  DescribeCopyJobCommand,
  DescribeRecoveryPointCommand,
  DescribeRestoreJobCommand,
  GetRecoveryPointRestoreMetadataCommand,
  GetRestoreJobMetadataCommand,
  ListBackupJobsCommand,
  ListCopyJobsCommand,
  ListRecoveryPointsByBackupVaultCommand,
  ListRecoveryPointsByResourceCommand,
  ListRestoreJobsCommand,
  ListTagsCommand,
  StartBackupJobCommand,
  StartCopyJobCommand,
  StartRestoreJobCommand,
  StopBackupJobCommand,
} from '@aws-sdk/client-backup';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeFileSystemsCommand, DescribeMountTargetsCommand, EFSClient } from '@aws-sdk/client-efs';
import {
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ListTagsForResourceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Client } from 'pg';
import { startLocalAws, type LocalAws } from '../../local/local-aws';

const PRIMARY = 'eu-west-1';
const DR = 'eu-central-1';
const PASSWORD = 'correct-horse';
const ROLE = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
  },
};

/** Records every event of AWS Backup as an object of a bucket. */
const EVENT_RECORDER = {
  Events: { Type: 'AWS::S3::Bucket' },
  RecorderRole: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'write',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: '*' }],
          },
        },
      ],
    },
  },
  Recorder: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: { 'Fn::GetAtt': ['RecorderRole', 'Arn'] },
      Environment: { Variables: { BUCKET: { Ref: 'Events' } } },
      Code: {
        ZipFile: `const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3');
exports.handler = (event) => new S3Client({ forcePathStyle: true }).send(
  new PutObjectCommand({ Bucket: process.env.BUCKET, Key: event.id, Body: JSON.stringify(event) }));`,
      },
    },
  },
  Rule: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventPattern: { source: ['aws.backup'] },
      Targets: [{ Id: 'recorder', Arn: { 'Fn::GetAtt': ['Recorder', 'Arn'] } }],
    },
  },
};

const PRIMARY_TEMPLATE = {
  Resources: {
    Role: ROLE,
    StrangersRole: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        },
      },
    },
    Vault: { Type: 'AWS::Backup::BackupVault', Properties: { BackupVaultName: 'primary' } },
    LockedVault: {
      Type: 'AWS::Backup::BackupVault',
      Properties: { BackupVaultName: 'locked', LockConfiguration: { MinRetentionDays: 7, MaxRetentionDays: 35 } },
    },
    Database: {
      Type: 'AWS::RDS::DBInstance',
      Properties: {
        DBInstanceIdentifier: 'is',
        Engine: 'postgres',
        DBInstanceClass: 'db.t4g.micro',
        AllocatedStorage: '20',
        MasterUsername: 'isadmin',
        MasterUserPassword: PASSWORD,
        Tags: [{ Key: 'owner', Value: 'iam-team' }],
      },
    },
    Files: { Type: 'AWS::EFS::FileSystem', Properties: { Encrypted: true } },
    ...EVENT_RECORDER,
  },
  Outputs: {
    Role: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    StrangersRole: { Value: { 'Fn::GetAtt': ['StrangersRole', 'Arn'] } },
    Files: { Value: { Ref: 'Files' } },
    Events: { Value: { Ref: 'Events' } },
  },
};

const DR_TEMPLATE = {
  Resources: {
    Role: ROLE,
    Vault: { Type: 'AWS::Backup::BackupVault', Properties: { BackupVaultName: 'dr' } },
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.9.0.0/16' } },
    SubnetA: {
      Type: 'AWS::EC2::Subnet',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.9.0.0/24', AvailabilityZone: `${DR}a` },
    },
    SubnetB: {
      Type: 'AWS::EC2::Subnet',
      Properties: { VpcId: { Ref: 'Vpc' }, CidrBlock: '10.9.1.0/24', AvailabilityZone: `${DR}b` },
    },
    Group: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { GroupDescription: 'drill', VpcId: { Ref: 'Vpc' } },
    },
    Subnets: {
      Type: 'AWS::RDS::DBSubnetGroup',
      Properties: {
        DBSubnetGroupName: 'drill',
        DBSubnetGroupDescription: 'drill',
        SubnetIds: [{ Ref: 'SubnetA' }, { Ref: 'SubnetB' }],
      },
    },
  },
  Outputs: { Role: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] } }, Group: { Value: { Ref: 'Group' } } },
};

void describe('AWS Backup of the local AWS', { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let primary: BackupClient;
  let dr: BackupClient;
  let primaryOutputs: Record<string, string>;
  let drOutputs: Record<string, string>;
  let database: string;
  let files: string;
  let filesPath: string;

  before(async () => {
    aws = await startLocalAws({ durations: { backupSeconds: 0.8, copySeconds: 0.8, restoreSeconds: 0.3 } });
    primary = new BackupClient(aws.clientConfig(PRIMARY));
    dr = new BackupClient(aws.clientConfig(DR));
    primaryOutputs = await deploy(PRIMARY, PRIMARY_TEMPLATE);
    drOutputs = await deploy(DR, DR_TEMPLATE);
    database = `arn:aws:rds:${PRIMARY}:${aws.accountId}:db:is`;
    files = `arn:aws:elasticfilesystem:${PRIMARY}:${aws.accountId}:file-system/${primaryOutputs.Files}`;
    filesPath = aws.fileSystemPath(primaryOutputs.Files!);
    await query(PRIMARY, 'is', 'CREATE TABLE tenants (id int)');
    await query(PRIMARY, 'is', 'INSERT INTO tenants VALUES (1), (2)');
    await mkdir(join(filesPath, 'repository/conf'), { recursive: true });
    await writeFile(join(filesPath, 'repository/conf/deployment.toml'), 'hostname = "is"', { mode: 0o640 });
    await utimes(join(filesPath, 'repository/conf/deployment.toml'), 1_700_000_000, 1_700_000_000);
    await symlink('conf', join(filesPath, 'repository/link'));
    await link(join(filesPath, 'repository/conf/deployment.toml'), join(filesPath, 'repository/same.toml'));
  });
  after(() => aws?.stop());
  afterEach(() => aws.clearFaults());

  async function deploy(region: string, template: object): Promise<Record<string, string>> {
    const client = new CloudFormationClient(aws.clientConfig(region));
    await client.send(
      new CreateStackCommand({
        StackName: 'test',
        TemplateBody: JSON.stringify(template),
        Capabilities: ['CAPABILITY_IAM'],
      }),
    );
    for (;;) {
      const [stack] = (await client.send(new DescribeStacksCommand({ StackName: 'test' }))).Stacks!;
      if (stack!.StackStatus === 'CREATE_COMPLETE')
        return Object.fromEntries((stack!.Outputs ?? []).map((output) => [output.OutputKey!, output.OutputValue!]));
      assert.equal(stack!.StackStatus, 'CREATE_IN_PROGRESS', stack!.StackStatusReason);
      await sleep(50);
    }
  }

  async function query(region: string, id: string, sql: string): Promise<Record<string, unknown>[]> {
    const rds = new RDSClient(aws.clientConfig(region));
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
    const { Address: host, Port: port } = DBInstances![0]!.Endpoint!;
    const client = new Client({ host, port, user: 'isadmin', password: PASSWORD, database: 'postgres' });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  const startBackup = (ResourceArn: string, more: object = {}) =>
    primary.send(
      new StartBackupJobCommand({
        BackupVaultName: 'primary',
        ResourceArn,
        IamRoleArn: primaryOutputs.Role,
        ...more,
      }),
    );

  async function backUp(ResourceArn: string, more: object = {}) {
    const { BackupJobId } = await startBackup(ResourceArn, more);
    for (;;) {
      const job = await primary.send(new DescribeBackupJobCommand({ BackupJobId }));
      if (!['CREATED', 'RUNNING', 'ABORTING'].includes(job.State!)) return job;
      await sleep(30);
    }
  }

  const startCopy = (RecoveryPointArn: string, more: object = {}) =>
    primary.send(
      new StartCopyJobCommand({
        RecoveryPointArn,
        SourceBackupVaultName: 'primary',
        DestinationBackupVaultArn: `arn:aws:backup:${DR}:${aws.accountId}:backup-vault:dr`,
        IamRoleArn: primaryOutputs.Role,
        ...more,
      }),
    );

  async function copy(RecoveryPointArn: string, more: object = {}) {
    const { CopyJobId } = await startCopy(RecoveryPointArn, more);
    for (;;) {
      const { CopyJob } = await primary.send(new DescribeCopyJobCommand({ CopyJobId }));
      if (!['CREATED', 'RUNNING'].includes(CopyJob!.State!)) return CopyJob!;
      await sleep(30);
    }
  }

  async function restore(RecoveryPointArn: string, Metadata: Record<string, string>, more: object = {}) {
    const { RestoreJobId } = await dr.send(
      new StartRestoreJobCommand({ RecoveryPointArn, Metadata, IamRoleArn: drOutputs.Role, ...more }),
    );
    for (;;) {
      const job = await dr.send(new DescribeRestoreJobCommand({ RestoreJobId }));
      if (!['PENDING', 'RUNNING'].includes(job.Status!)) return job;
      await sleep(30);
    }
  }

  const points = async (client: BackupClient, BackupVaultName: string, more: object = {}) =>
    (await client.send(new ListRecoveryPointsByBackupVaultCommand({ BackupVaultName, ...more }))).RecoveryPoints!;

  void it('goes through the states of a backup job, and makes a recovery point that is an RDS snapshot', async () => {
    const { BackupJobId, RecoveryPointArn } = await startBackup(database, {
      Lifecycle: { DeleteAfterDays: 35 },
      RecoveryPointTags: { set: 'a' },
    });
    assert.equal(RecoveryPointArn, undefined, 'AWS names it at the start for EFS only');
    const states = new Set<string>();
    let job;
    do {
      job = await primary.send(new DescribeBackupJobCommand({ BackupJobId }));
      states.add(job.State!);
      await sleep(10);
    } while (job.State === 'CREATED' || job.State === 'RUNNING');
    assert.equal(job.State, 'COMPLETED', job.StatusMessage);
    assert.ok(states.has('RUNNING'));
    assert.equal(job.PercentDone, '100.0');
    assert.equal(job.ResourceType, 'RDS');

    const point = await primary.send(
      new DescribeRecoveryPointCommand({ BackupVaultName: 'primary', RecoveryPointArn: job.RecoveryPointArn }),
    );
    assert.match(
      point.RecoveryPointArn!,
      new RegExp(`^arn:aws:rds:${PRIMARY}:${aws.accountId}:snapshot:awsbackup:job-[0-9a-f-]{36}$`),
    );
    assert.equal(point.Status, 'COMPLETED');
    assert.equal(point.ResourceArn, database);
    assert.equal(point.SourceBackupVaultArn, undefined);
    assert.ok(point.CompletionDate! > point.CreationDate!);
    assert.equal(point.CalculatedLifecycle!.DeleteAt!.getTime() - point.CreationDate!.getTime(), 35 * 86_400_000);
    const tags = await primary.send(new ListTagsCommand({ ResourceArn: point.RecoveryPointArn }));
    assert.deepEqual(tags.Tags, { set: 'a' });

    const rds = new RDSClient(aws.clientConfig(PRIMARY));
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'awsbackup' }));
    assert.deepEqual(
      DBSnapshots!.map((snapshot) => snapshot.DBSnapshotArn),
      [point.RecoveryPointArn],
    );
    await assert.rejects(
      rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: DBSnapshots![0]!.DBSnapshotIdentifier })),
      /managed by AWS Backup/,
    );
    const { RestoreMetadata } = await primary.send(
      new GetRecoveryPointRestoreMetadataCommand({
        BackupVaultName: 'primary',
        RecoveryPointArn: point.RecoveryPointArn,
      }),
    );
    assert.equal(RestoreMetadata?.DBInstanceIdentifier, 'is');
    assert.equal(RestoreMetadata?.DBInstanceClass, 'db.t4g.micro');
  });

  void it('puts an event on the bus of the Region for every state', async () => {
    const job = await backUp(files);
    const s3 = new S3Client(aws.clientConfig(PRIMARY));
    const Bucket = primaryOutputs.Events;
    interface BackupEvent {
      'detail-type': string;
      resources: string[];
      detail: Record<string, unknown>;
    }
    const ours = new Map<unknown, BackupEvent>();
    while (!ours.has('COMPLETED')) {
      await sleep(100);
      for (const { Key } of (await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []) {
        const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const event = JSON.parse(await object.Body!.transformToString()) as BackupEvent;
        if (event.detail.backupJobId === job.BackupJobId) ours.set(event.detail.state, event);
      }
    }
    const completed = ours.get('COMPLETED')!;
    assert.equal(completed['detail-type'], 'Backup Job State Change');
    assert.deepEqual(completed.resources, [job.RecoveryPointArn]);
    assert.equal(completed.detail.resourceArn, files);
    assert.equal(completed.detail.resourceType, 'EFS');
    assert.equal(completed.detail.backupVaultName, 'primary');
    assert.equal(completed.detail.percentDone, 100);
    assert.match(completed.detail.creationDate as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  void it('backs up one resource once at a time, and different resources side by side', async () => {
    const started = await Promise.all([startBackup(database), startBackup(database), startBackup(files)]);
    const ours = new Set(started.map((job) => job.BackupJobId));
    let mostOfTheDatabase = 0;
    let most = 0;
    for (;;) {
      // One call, so that all states are of one moment.
      const { BackupJobs } = await primary.send(new ListBackupJobsCommand({}));
      const jobs = BackupJobs!.filter((job) => ours.has(job.BackupJobId));
      if (jobs.every((job) => job.State === 'COMPLETED')) break;
      const running = jobs.filter((job) => job.State === 'RUNNING');
      most = Math.max(most, running.length);
      mostOfTheDatabase = Math.max(mostOfTheDatabase, running.filter((job) => job.ResourceArn === database).length);
      await sleep(10);
    }
    assert.equal(mostOfTheDatabase, 1);
    assert.equal(most, 2);
  });

  void it('copies to another Region with the creation date of the source, and restores there once the source is gone', async () => {
    const job = await backUp(database);
    await query(PRIMARY, 'is', 'INSERT INTO tenants VALUES (3)');
    const done = await copy(job.RecoveryPointArn!, { Lifecycle: { DeleteAfterDays: 14 } });
    assert.equal(done.State, 'COMPLETED', done.StatusMessage);
    const filesJob = await backUp(files);
    const filesCopy = await copy(filesJob.RecoveryPointArn!);

    await aws.addFault({ kind: 'region-gone', match: PRIMARY });
    await assert.rejects(points(primary, 'primary'));
    const [point] = await points(dr, 'dr', { ByResourceArn: database });
    assert.equal(point!.RecoveryPointArn, done.DestinationRecoveryPointArn);
    assert.match(point!.RecoveryPointArn!, new RegExp(`^arn:aws:rds:${DR}:.*:snapshot:awsbackup:copyjob-`));
    assert.equal(point!.CreationDate!.getTime(), job.CreationDate!.getTime());
    assert.ok(point!.CompletionDate! > job.CompletionDate!);
    assert.equal(point!.SourceBackupVaultArn, `arn:aws:backup:${PRIMARY}:${aws.accountId}:backup-vault:primary`);
    assert.deepEqual(point!.Lifecycle, { DeleteAfterDays: 14 });

    const metadata = {
      DBInstanceIdentifier: 'drill-is',
      DBInstanceClass: 'db.t4g.small',
      DBSubnetGroupName: 'drill',
      VpcSecurityGroupIds: JSON.stringify([drOutputs.Group]),
    };
    const restored = await restore(point!.RecoveryPointArn!, metadata, { CopySourceTagsToRestoredResource: true });
    assert.equal(restored.Status, 'COMPLETED', restored.StatusMessage);
    assert.equal(restored.CreatedResourceArn, `arn:aws:rds:${DR}:${aws.accountId}:db:drill-is`);
    assert.equal(restored.RecoveryPointCreationDate?.getTime(), point!.CreationDate!.getTime());
    const asked = await dr.send(new GetRestoreJobMetadataCommand({ RestoreJobId: restored.RestoreJobId }));
    assert.deepEqual(asked.Metadata, metadata);
    assert.deepEqual(await query(DR, 'drill-is', 'SELECT id FROM tenants ORDER BY id'), [{ id: 1 }, { id: 2 }]);
    const rds = new RDSClient(aws.clientConfig(DR));
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'drill-is' }));
    assert.equal(DBInstances![0]!.DBInstanceClass, 'db.t4g.small');
    assert.equal(DBInstances![0]!.DBSubnetGroup!.DBSubnetGroupName, 'drill');
    assert.deepEqual(
      DBInstances![0]!.VpcSecurityGroups!.map((group) => group.VpcSecurityGroupId),
      [drOutputs.Group],
    );
    const { TagList } = await rds.send(
      new ListTagsForResourceCommand({ ResourceName: DBInstances![0]!.DBInstanceArn }),
    );
    assert.ok(TagList!.some((tag) => tag.Key === 'owner' && tag.Value === 'iam-team'));

    const again = await restore(point!.RecoveryPointArn!, metadata);
    assert.equal(again.Status, 'FAILED');
    assert.match(again.StatusMessage!, /DB instance already exists/);
    assert.equal(again.CreatedResourceArn, undefined);
    const elsewhere = await restore(point!.RecoveryPointArn!, {
      ...metadata,
      DBInstanceIdentifier: 'other',
      DBSubnetGroupName: 'primary-only',
    });
    assert.match(elsewhere.StatusMessage!, /DB subnet group 'primary-only' does not exist/);

    const efsRestore = await restore(filesCopy.DestinationRecoveryPointArn!, {
      'file-system-id': primaryOutputs.Files!,
      newFileSystem: 'true',
      Encrypted: 'true',
      PerformanceMode: 'generalPurpose',
      CreationToken: 'drill-1',
    });
    assert.equal(efsRestore.Status, 'COMPLETED', efsRestore.StatusMessage);
    const id = efsRestore.CreatedResourceArn!.split('/')[1]!;
    const efs = new EFSClient(aws.clientConfig(DR));
    const { FileSystems } = await efs.send(new DescribeFileSystemsCommand({ FileSystemId: id }));
    assert.equal(FileSystems![0]!.CreationToken, 'drill-1');
    const { MountTargets } = await efs.send(new DescribeMountTargetsCommand({ FileSystemId: id }));
    assert.deepEqual(MountTargets, []);
    const [folder, ...others] = await readdir(aws.fileSystemPath(id));
    assert.deepEqual(others, []);
    assert.match(folder!, /^aws-backup-restore_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/);
    const repository = join(aws.fileSystemPath(id), folder!, 'repository');
    assert.equal(await readFile(join(repository, 'conf/deployment.toml'), 'utf8'), 'hostname = "is"');
    const status = await lstat(join(repository, 'conf/deployment.toml'));
    assert.equal(status.mode & 0o777, 0o640);
    assert.equal(status.mtimeMs, 1_700_000_000_000);
    assert.equal(status.ino, (await lstat(join(repository, 'same.toml'))).ino);
    assert.equal(await readlink(join(repository, 'link')), 'conf');

    const jobs = await dr.send(new ListRestoreJobsCommand({ ByStatus: 'FAILED' }));
    assert.equal(jobs.RestoreJobs!.length, 2);
  });

  void it('restores only the items that are asked for', async () => {
    const [point] = await points(dr, 'dr', { ByResourceType: 'EFS' });
    const metadata = {
      'file-system-id': 'ignored',
      newFileSystem: 'true',
      Encrypted: 'false',
      PerformanceMode: 'generalPurpose',
    };
    const one = await restore(point!.RecoveryPointArn!, {
      ...metadata,
      CreationToken: 'items-1',
      ItemsToRestore: '["/repository/link"]',
    });
    const path = aws.fileSystemPath(one.CreatedResourceArn!.split('/')[1]!);
    const [folder] = await readdir(path);
    assert.deepEqual(await readdir(join(path, folder!, 'repository')), ['link']);
    const none = await restore(point!.RecoveryPointArn!, {
      ...metadata,
      CreationToken: 'items-2',
      ItemsToRestore: '["/no/such"]',
    });
    assert.equal(none.Status, 'FAILED');
    assert.match(none.StatusMessage!, /\/no\/such is not in the recovery point/);
  });

  void it('does not start a second job for the same idempotency token', async () => {
    const [point] = await points(dr, 'dr', { ByResourceArn: database });
    const start = (DBInstanceIdentifier: string) =>
      dr.send(
        new StartRestoreJobCommand({
          RecoveryPointArn: point!.RecoveryPointArn,
          Metadata: { DBInstanceIdentifier },
          IamRoleArn: drOutputs.Role,
          IdempotencyToken: 'once',
        }),
      );
    const first = await start('once');
    assert.equal((await start('once')).RestoreJobId, first.RestoreJobId);
    await assert.rejects(start('twice'), { name: 'InvalidRequestException' });
  });

  void it('lists by vault, resource, state and time', async () => {
    const all = await points(primary, 'primary');
    const ofDatabase = await points(primary, 'primary', { ByResourceArn: database });
    assert.ok(ofDatabase.length > 0 && ofDatabase.length < all.length);
    const newest = all[0]!.CreationDate!;
    // The wire format of the filters has whole seconds.
    const secondAfter = new Date((Math.floor(newest.getTime() / 1000) + 1) * 1000);
    const secondBefore = new Date(Math.floor(newest.getTime() / 1000) * 1000 - 1000);
    assert.equal((await points(primary, 'primary', { ByCreatedAfter: secondAfter })).length, 0);
    assert.equal((await points(primary, 'primary', { ByCreatedBefore: secondAfter })).length, all.length);
    assert.ok((await points(primary, 'primary', { ByCreatedAfter: secondBefore })).length > 0);
    const first = await primary.send(
      new ListRecoveryPointsByBackupVaultCommand({ BackupVaultName: 'primary', MaxResults: 1 }),
    );
    const second = await primary.send(
      new ListRecoveryPointsByBackupVaultCommand({
        BackupVaultName: 'primary',
        MaxResults: 1,
        NextToken: first.NextToken,
      }),
    );
    assert.notEqual(first.RecoveryPoints![0]!.RecoveryPointArn, second.RecoveryPoints![0]!.RecoveryPointArn);
    const byResource = await primary.send(new ListRecoveryPointsByResourceCommand({ ResourceArn: files }));
    assert.equal(byResource.RecoveryPoints!.length, all.length - ofDatabase.length);
    const { CopyJobs } = await primary.send(new ListCopyJobsCommand({ ByState: 'COMPLETED', ByResourceArn: database }));
    assert.equal(CopyJobs!.length, 1);
    const vault = await primary.send(new DescribeBackupVaultCommand({ BackupVaultName: 'primary' }));
    assert.equal(vault.NumberOfRecoveryPoints, all.length);
  });

  void it('fails when told to, and leaves nothing behind', async () => {
    const before = await points(primary, 'primary');
    await aws.addFault({ kind: 'backup-job-fails', match: ':db:is', message: 'Storage full' });
    const job = await backUp(database);
    assert.equal(job.State, 'FAILED');
    assert.equal(job.StatusMessage, 'Storage full');
    assert.equal((await backUp(files)).State, 'COMPLETED');
    assert.equal((await points(primary, 'primary')).length, before.length + 1);
    const failed = await primary.send(new ListBackupJobsCommand({ ByState: 'FAILED' }));
    assert.equal(failed.BackupJobs!.length, 1);

    const inDr = await points(dr, 'dr');
    await aws.addFault({ kind: 'copy-job-fails', match: ':db:is' });
    const [point] = await points(primary, 'primary', { ByResourceArn: database });
    const copyJob = await copy(point!.RecoveryPointArn!);
    assert.equal(copyJob.State, 'FAILED');
    assert.equal(copyJob.DestinationRecoveryPointArn, undefined);
    assert.equal((await points(dr, 'dr')).length, inDr.length);

    await aws.addFault({ kind: 'restore-job-fails', match: ':db:is' });
    const [copied] = await points(dr, 'dr', { ByResourceArn: database });
    const restored = await restore(copied!.RecoveryPointArn!, { DBInstanceIdentifier: 'never' });
    assert.equal(restored.Status, 'FAILED');
    await assert.rejects(query(DR, 'never', 'SELECT 1'), { name: 'DBInstanceNotFoundFault' });
  });

  void it('leaves no half copy when a Region is lost in between', async () => {
    const [point] = await points(primary, 'primary', { ByResourceArn: database });
    const inDr = await points(dr, 'dr');
    await aws.addFault({ kind: 'copy-job-hangs', match: database });
    await startCopy(point!.RecoveryPointArn!);
    while ((await points(dr, 'dr')).length === inDr.length) await sleep(10);
    await aws.addFault({ kind: 'region-gone', match: PRIMARY });
    while ((await points(dr, 'dr')).length > inDr.length) await sleep(30);
    assert.deepEqual(
      (await points(dr, 'dr')).map((p) => p.Status),
      inDr.map(() => 'COMPLETED'),
    );
  });

  void it('fails without a role that AWS Backup can assume, and outside the lock of a vault', async () => {
    assert.match(
      (await backUp(files, { IamRoleArn: `arn:aws:iam::${aws.accountId}:role/nobody` })).StatusMessage!,
      /does not exist/,
    );
    assert.match(
      (await backUp(files, { IamRoleArn: primaryOutputs.StrangersRole })).StatusMessage!,
      /cannot be assumed by AWS Backup/,
    );
    const locked = (DeleteAfterDays?: number) =>
      backUp(files, { BackupVaultName: 'locked', Lifecycle: DeleteAfterDays ? { DeleteAfterDays } : undefined });
    assert.equal((await locked(6)).State, 'FAILED');
    assert.equal((await locked(7)).State, 'COMPLETED');
    assert.equal((await locked(35)).State, 'COMPLETED');
    assert.equal((await locked(36)).State, 'FAILED');
    assert.equal((await locked()).State, 'FAILED');
  });

  void it('stops a running job and one that waits, which leave no recovery point', async () => {
    const before = await points(primary, 'primary');
    await aws.addFault({ kind: 'backup-job-hangs', match: files });
    const started = [await startBackup(files), await startBackup(files)];
    for (const { BackupJobId } of started) await primary.send(new StopBackupJobCommand({ BackupJobId }));
    for (const { BackupJobId } of started) {
      let job;
      do {
        await sleep(30);
        job = await primary.send(new DescribeBackupJobCommand({ BackupJobId }));
      } while (!['ABORTED', 'COMPLETED', 'FAILED'].includes(job.State!));
      assert.equal(job.State, 'ABORTED');
    }
    assert.equal((await points(primary, 'primary')).length, before.length);
  });

  void it('refuses what AWS Backup refuses', async () => {
    const [point] = await points(primary, 'primary', { ByResourceArn: database });
    const RecoveryPointArn = point!.RecoveryPointArn!;
    await assert.rejects(startBackup(database, { BackupVaultName: 'none' }), { name: 'ResourceNotFoundException' });
    await assert.rejects(startBackup(`${database}-2`), { name: 'ResourceNotFoundException' });
    await assert.rejects(startBackup('arn:aws:s3:::bucket'), { name: 'InvalidParameterValueException' });
    await assert.rejects(startBackup(database, { IamRoleArn: undefined }), { name: 'MissingParameterValueException' });
    await assert.rejects(startCopy(`${RecoveryPointArn}0`), { name: 'ResourceNotFoundException' });
    await assert.rejects(
      startCopy(RecoveryPointArn, {
        DestinationBackupVaultArn: `arn:aws:backup:${DR}:${aws.accountId}:backup-vault:none`,
      }),
      { name: 'ResourceNotFoundException' },
    );
    // The point is in the primary Region: it cannot be restored from the other.
    await assert.rejects(restore(RecoveryPointArn, { DBInstanceIdentifier: 'x' }), {
      name: 'ResourceNotFoundException',
    });
    const [copied] = await points(dr, 'dr', { ByResourceArn: database });
    await assert.rejects(restore(copied!.RecoveryPointArn!, {}), { name: 'MissingParameterValueException' });
    await assert.rejects(restore(copied!.RecoveryPointArn!, { DBInstanceIdentifier: 'x', Colour: 'red' }), /Colour/);
    await assert.rejects(
      restore(copied!.RecoveryPointArn!, { DBInstanceIdentifier: 'x' }, { ResourceType: 'EFS' }),
      /ResourceType must be RDS/,
    );
    await assert.rejects(
      dr.send(
        new StartRestoreJobCommand({
          RecoveryPointArn: copied!.RecoveryPointArn,
          Metadata: { DBInstanceIdentifier: 'x' },
        }),
      ),
      { name: 'MissingParameterValueException' },
    );
    await assert.rejects(dr.send(new DeleteBackupVaultCommand({ BackupVaultName: 'dr' })), {
      name: 'InvalidRequestException',
    });
  });

  void it('deletes a recovery point with its data', async () => {
    const [point] = await points(primary, 'primary', { ByResourceType: 'EFS' });
    const { RecoveryPointArn } = point!;
    const folder = join(aws.dataDir, 'backup', PRIMARY, RecoveryPointArn!.split(':')[6]!);
    assert.ok(existsSync(folder));
    await primary.send(new DeleteRecoveryPointCommand({ BackupVaultName: 'primary', RecoveryPointArn }));
    await assert.rejects(
      primary.send(new DescribeRecoveryPointCommand({ BackupVaultName: 'primary', RecoveryPointArn })),
      { name: 'ResourceNotFoundException' },
    );
    assert.ok(!existsSync(folder));
  });
});
