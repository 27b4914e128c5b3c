// A DR Region as the drill sees it, in memory: it keeps what it is told and can be made to go wrong.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { BackupClient } from '@aws-sdk/client-backup';
import { RDSClient } from '@aws-sdk/client-rds';
import { S3Client } from '@aws-sdk/client-s3';
import type { BootEvent } from '../../../lambda/check/boot-contract';
import type { CheckEvent, CheckOutcome, CheckResult } from '../../../lambda/check/contract';
import type { ArchivePoint } from '../../../lambda/drill/find-points';
import type { Settings } from '../../../lambda/drill/settings';
import type { Aws } from '../../../lambda/drill/surroundings';
import type { DrillResult, DrillReport, DrillSummary } from '../../../lambda/drill/contract';
import { drill } from '../../../lambda/drill/drill';
import { startOfDrill } from '../../../lambda/drill/drill-id';
import { newRecoveryDirectory } from '../../../lambda/restore/recovery-directory';
import type { ConfigureResult, IsolateResult, RestoreEvent } from '../../../lambda/restore/contract';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { type Invocation, runDurable, type RunOptions } from './durable-runner';

export const SETTINGS: Settings = {
  site: 'dr-site',
  bucket: 'replica',
  vaultName: 'dr-vault',
  restoreRoleArn: 'arn:aws:iam::111122223333:role/restore',
  dbSubnetGroup: 'dr-subnets',
  dbSecurityGroupId: 'sg-0dr',
  restoreFunction: 'restore-function',
  checkFunction: 'check-function',
  adoptFunction: 'adopt-function',
  restoreOwner: { uid: 1000, gid: 1000 },
  restoreFileSystemId: 'fs-0dr',
  restoreRoot: '/drills',
  topicArn: 'arn:aws:sns:eu-central-1:111122223333:topic',
  region: 'eu-central-1',
  timeoutSeconds: 86_400,
  ownChecks: [],
};

export const DATABASE_ARN = 'arn:aws:rds:eu-west-1:111122223333:db:is';
const SNAPSHOT_ARN = 'arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:copyjob-1';
export const MANIFEST_KEY = 'archives/prod/repository/manifests/1';

export const PLAN: RecoveryPlanDocument = {
  formatVersion: 1,
  deployment: 'prod',
  primaryRegion: 'eu-west-1',
  drRegion: 'eu-central-1',
  objectives: {
    inRegion: { rpoSeconds: 3600, rtoSeconds: 14_400 },
    drSite: { rpoSeconds: 14_400, rtoSeconds: 28_800 },
  },
  databases: [
    {
      name: 'is-db',
      kind: 'rds-instance',
      resourceArn: DATABASE_ARN,
      secretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:is-AbCdEf',
      datasources: [
        { datasource: 'identity_db', type: 'postgre', databaseName: 'identity' },
        { datasource: 'shared_db', type: 'postgre', databaseName: 'shared' },
      ],
    },
  ],
  volumes: [
    {
      name: 'repository',
      mountedAt: 'repository',
      fileSystemArn: 'arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1',
    },
  ],
  restoreDependencies: {
    deploymentTomlPath: 'repository/conf/deployment.toml',
    keystores: [{ role: 'primary', path: 'repository/resources/security/wso2carbon.p12' }],
    encryptionKey: 'literal',
  },
  recoveryTimes: [],
  plan: [
    {
      component: 'is-db',
      site: 'dr-site',
      technique: 'backup-copy',
      purpose: 'promise',
      worstCaseSeconds: 14_000,
      terms: [],
      reason: 'copied',
      usdPerMonth: 1,
    },
    {
      component: 'repository',
      site: 'dr-site',
      technique: 'artifact-export-replicated',
      purpose: 'promise',
      worstCaseSeconds: 2000,
      terms: [],
      reason: 'replicated',
      usdPerMonth: 1,
    },
  ],
};

/** The same, where RDS replicates the automated backups of the database. */
export const REPLICATED_PLAN: RecoveryPlanDocument = {
  ...PLAN,
  plan: [
    ...PLAN.plan.map((line) => (line.component === 'is-db' ? { ...line, purpose: 'history' as const } : line)),
    {
      component: 'is-db',
      site: 'dr-site',
      technique: 'rds-automated-backup-replication',
      purpose: 'promise',
      worstCaseSeconds: 3900,
      terms: [],
      reason: 'replicated by RDS',
      usdPerMonth: 1,
    },
  ],
};

export const CLUSTER_ARN = 'arn:aws:rds:eu-west-1:111122223333:cluster:is';
const CLUSTER_SNAPSHOT_ARN = 'arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:awsbackup:copyjob-2';

/** The same, where the database is an Aurora cluster. */
export const AURORA_PLAN: RecoveryPlanDocument = {
  ...PLAN,
  databases: PLAN.databases.map((database) => ({
    ...database,
    kind: 'aurora-cluster' as const,
    resourceArn: CLUSTER_ARN,
    drSiteParameterGroup: 'dr-parameters',
  })),
};

export function auroraSite(plan: RecoveryPlanDocument = AURORA_PLAN): FakeSite {
  const site = new FakeSite();
  site.objects.set('plans/prod.json', JSON.stringify(plan));
  site.recoveryPoints = [
    {
      RecoveryPointArn: CLUSTER_SNAPSHOT_ARN,
      ResourceArn: CLUSTER_ARN,
      Status: 'COMPLETED',
      CreationDate: new Date('2026-11-24T04:00:00.000Z'),
    },
  ];
  return site;
}

export const AUTOMATED_BACKUP_ARN = 'arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-1';

/** As RDS describes it in the DR Region. */
export const automatedBackup = (earliest: string, latest: string) => ({
  DBInstanceArn: DATABASE_ARN,
  DBInstanceAutomatedBackupsArn: AUTOMATED_BACKUP_ARN,
  Region: 'eu-west-1',
  Status: 'replicating',
  RestoreWindow: { EarliestTime: new Date(earliest), LatestTime: new Date(latest) },
});

/** As the point of a PostgreSQL cluster in the primary Region has it; `engine` in the other spelling of AWS Backup's pages. */
const NOTED_OF_CLUSTER = {
  DBClusterIdentifier: 'is',
  engine: 'aurora-postgresql',
  EngineMode: 'provisioned',
  EngineVersion: '16.4',
  Port: '5432',
  DatabaseName: '',
  AvailabilityZones: '["eu-west-1a","eu-west-1b","eu-west-1c"]',
  DBSubnetGroupName: 'primary-subnets',
  DBClusterParameterGroupName: 'is-parameters',
  VpcSecurityGroupIds: '["sg-0primary"]',
  KmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/1',
  OptionGroupName: 'null',
};

const IMMORTAL = { isDead: false, die: () => Promise.reject(new Error('it cannot die')) };

interface Instance {
  arn: string;
  subnetGroup?: string;
  status: string;
  tags: Map<string, string>;
  looks: number;
  /** Of an instance: the cluster that it is a member of. */
  cluster?: string;
  /** That cluster is a Multi-AZ DB cluster, not Aurora. */
  multiAz?: true;
}

type Send = (name: string, input: Record<string, unknown>) => unknown;

export class FakeSite {
  /** `RDS.DeleteDBInstance`, in the order of the calls. */
  readonly calls: { readonly name: string; readonly input: Record<string, unknown> }[] = [];
  readonly objects = new Map<string, string>([['plans/prod.json', JSON.stringify(PLAN)]]);
  readonly instances = new Map<string, Instance>();
  readonly clusters = new Map<string, Instance>();
  readonly jobs = new Map<
    string,
    {
      kind: 'db' | 'cluster' | 'file-system';
      identifier: string;
      subnetGroup: string;
      looks: number;
      /** Of a Multi-AZ DB cluster. */
      members?: string[];
    }
  >();
  readonly restoreEvents: RestoreEvent[] = [];
  checkEvent?: CheckEvent;
  recoveryPoints: Record<string, unknown>[] = [
    {
      RecoveryPointArn: SNAPSHOT_ARN,
      ResourceArn: DATABASE_ARN,
      Status: 'COMPLETED',
      CreationDate: new Date('2026-11-24T04:00:00.000Z'),
    },
  ];
  automatedBackups: Record<string, unknown>[] = [];
  clusterBackups: Record<string, unknown>[] = [];
  /** First folders of the restore volume. */
  readonly folders = new Set<string>();
  /** What restores of AWS Backup left at its root. */
  readonly recoveryDirectories = new Set<string>();
  /** Restore jobs never end. */
  jobsHang = false;
  /** The function dies when this call was made, counted from 1, before it hears of it. */
  killAfterCall?: number;
  readonly runningExecutions = new Set<string>();
  archivePoints: ArchivePoint[] = [{ manifestKey: MANIFEST_KEY, startedAt: '2026-11-24T04:10:00.000Z' }];
  /** By name of the call; what it throws is what AWS would throw. */
  readonly faults = new Map<string, (input: Record<string, unknown>) => void>();
  /** What AWS Backup noted of a cluster. */
  clusterMetadata: Record<string, string> = NOTED_OF_CLUSTER;
  /** Of a cluster that AWS Backup restores, or of an instance that RDS does. */
  restoredStatus = 'creating';
  /** Of an instance that is created in a cluster. */
  createdStatus = 'creating';
  configuration: ConfigureResult = { found: true, changes: [] };
  isolated: IsolateResult = { port: 9443, changed: ['server.hostname'], left: [], references: [] };
  bootEvent?: BootEvent;
  booted: (event: BootEvent) => CheckResult | Promise<CheckResult> = () => ({ checks: [] });
  /** State of each task of ECS, by ARN. */
  readonly tasks = new Map<string, { status: string; startedBy: string; clientToken: string }>();
  /** What a task goes through, a look each. */
  taskCourse = ['PROVISIONING', 'PENDING', 'RUNNING'];
  restoreJobEnd = { Status: 'COMPLETED', StatusMessage: undefined as string | undefined };
  checks: (event: CheckEvent) => CheckResult = (event) => ({ checks: passingChecks(event) });
  /** What RDS says of an instance beside its state. */
  instanceSize: Record<string, unknown> = {};
  /** As RDS describes every instance. */
  availability = { MultiAZ: true, BackupRetentionPeriod: 7 };
  private ticks = 0;

  /** Each look at the clock takes a second: tests need no other time. */
  readonly clock = () => new Date(Date.parse('2026-11-24T04:25:00.000Z') + 1000 * this.ticks++).toISOString();

  /** Lets time pass. */
  advance(seconds: number): void {
    this.ticks += seconds;
  }

  /** What one invocation sees of it: nothing happens any more once that is dead. */
  aws(invocation: Pick<Invocation, 'isDead' | 'die'> = IMMORTAL): Aws {
    const client = <Client>(service: string, send: Send) =>
      ({
        send: (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
          const name = `${service}.${command.constructor.name.replace(/Command$/, '')}`;
          return Promise.resolve().then(() => {
            if (invocation.isDead) return new Promise<never>(() => undefined);
            this.calls.push({ name, input: command.input });
            const isLast = this.calls.length === this.killAfterCall;
            this.faults.get(name)?.(command.input);
            const answer = send(name, command.input);
            return isLast ? invocation.die() : answer;
          });
        },
      }) as Client;
    return {
      // The SDK's paginators take nothing but a real client.
      backup: Object.assign(
        new BackupClient({ region: 'eu-central-1' }),
        client<Pick<BackupClient, 'send'>>('Backup', (name, input) => this.backup(name, input)),
      ),
      rds: Object.assign(
        new RDSClient({ region: 'eu-central-1' }),
        client<Pick<RDSClient, 'send'>>('RDS', (name, input) => this.rds(name, input)),
      ),
      ecs: client('ECS', (name, input) => this.ecs(name, input)),
      // Of other executions: those that a test says run.
      lambda: client('Lambda', (_name, { DurableExecutionArn: arn }) => {
        if (!this.runningExecutions.has(arn as string)) throw named('ResourceNotFoundException', arn as string);
        return { Status: 'RUNNING' };
      }),
      s3: Object.assign(
        new S3Client({ region: 'eu-central-1' }),
        client<Pick<S3Client, 'send'>>('S3', (name, input) => this.s3(name, input)),
      ),
      cloudWatch: client('CloudWatch', () => ({})),
      eventBridge: client('EventBridge', () => ({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] })),
      sns: client('SNS', () => ({ MessageId: '1' })),
      archive: { listPoints: () => Promise.resolve(this.archivePoints) },
      clock: this.clock,
    };
  }

  readonly restoreFunction = (event: RestoreEvent) => {
    this.restoreEvents.push(event);
    this.faults.get(`restore.${event.action}`)?.({ ...event });
    switch (event.action) {
      case 'restore':
        this.folders.add(event.target.split('/')[0] ?? '');
        return Promise.resolve({ files: 3, directories: 1, symlinks: 0, bytes: 10, durationMs: 5 });
      case 'sweep': {
        const folders = [...this.folders].filter(
          (name) => (startOfDrill(name) ?? Infinity) <= Date.parse(event.startedBefore),
        );
        for (const folder of folders) this.folders.delete(folder);
        return Promise.resolve({ folders, failed: [] });
      }
      case 'remove':
        this.folders.delete(event.target);
        return Promise.resolve({ removed: true });
      case 'configure':
        return Promise.resolve(this.configuration);
      case 'isolate':
        return Promise.resolve(this.isolated);
      case 'recovery-directories':
        return Promise.resolve({ names: [...this.recoveryDirectories] });
      case 'adopt':
        return Promise.resolve().then(() => {
          this.recoveryDirectories.delete(newRecoveryDirectory(event.before, [...this.recoveryDirectories]));
          this.folders.add(event.target.split('/')[1] ?? '');
          return { files: 4, directories: 2, symlinks: 0, bytes: 20, durationMs: 5 };
        });
      case 'sweep-recovery-directories': {
        const folders = [...this.recoveryDirectories];
        this.recoveryDirectories.clear();
        return Promise.resolve({ folders, failed: [] });
      }
    }
  };

  readonly checkFunction = (event: CheckEvent | BootEvent): Promise<CheckResult> => {
    if ('action' in event) {
      this.bootEvent = event;
      return Promise.resolve().then(() => this.booted(event));
    }
    this.checkEvent = event;
    return Promise.resolve().then(() => this.checks(event));
  };

  inputsOf(name: string): readonly Record<string, unknown>[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input);
  }

  private backup(name: string, input: Record<string, unknown>): unknown {
    switch (name) {
      case 'Backup.ListRecoveryPointsByBackupVault':
        return {
          RecoveryPoints: this.recoveryPoints.filter((point) => point['ResourceArn'] === input['ByResourceArn']),
        };
      case 'Backup.GetRecoveryPointRestoreMetadata':
        return {
          RestoreMetadata: (input['RecoveryPointArn'] as string).includes(':cluster-snapshot:')
            ? this.clusterMetadata
            : {
                DBInstanceClass: 'db.t4g.micro',
                DBInstanceIdentifier: 'is',
                MultiAZ: 'true',
                AvailabilityZone: 'eu-west-1a',
                DBSubnetGroupName: 'primary-subnets',
                DBName: 'identity',
                OptionGroupName: 'default:postgres-17',
                Port: '5432',
              },
        };
      case 'Backup.StartRestoreJob': {
        const token = input['IdempotencyToken'] as string;
        const metadata = input['Metadata'] as Record<string, string>;
        // Asked twice it is the same job.
        if (!this.jobs.has(`job-${token}`)) {
          this.jobs.set(`job-${token}`, {
            ...jobKinds(input['ResourceType'] as string, metadata),
            subnetGroup: metadata['DBSubnetGroupName'] ?? '',
            looks: 0,
          });
        }
        return { RestoreJobId: `job-${token}` };
      }
      case 'Backup.ListRestoreJobs':
        return {
          RestoreJobs: [...this.jobs.keys()].map((id) => ({
            RestoreJobId: id,
            IamRoleArn: SETTINGS.restoreRoleArn,
            ...(this.describeJob(id) as object),
          })),
        };
      case 'Backup.DescribeRestoreJob':
        return this.describeJob(input['RestoreJobId'] as string);
      default:
        throw new Error(`unexpected call ${name}`);
    }
  }

  private describeJob(id: string): unknown {
    const job = this.jobs.get(id);
    if (job === undefined) throw named('ResourceNotFoundException', id);
    if (this.jobsHang || job.looks++ < 2) return { Status: 'RUNNING' };
    const arn =
      job.kind === 'file-system'
        ? `arn:aws:elasticfilesystem:eu-central-1:111122223333:file-system/${job.identifier}`
        : `arn:aws:rds:eu-central-1:111122223333:${job.kind}:${job.identifier}`;
    if (this.restoreJobEnd.Status !== 'COMPLETED') return this.restoreJobEnd;
    if (job.looks === 3 && job.kind === 'file-system') {
      this.recoveryDirectories.add(`aws-backup-restore_${this.clock()}`);
    } else if (job.looks === 3) {
      const subnetGroup = job.subnetGroup;
      const status = job.kind === 'cluster' ? this.restoredStatus : 'creating';
      const made = job.kind === 'cluster' ? this.clusters : this.instances;
      made.set(job.identifier, { arn, subnetGroup, status, tags: new Map(), looks: 0 });
      // RDS makes the instances of a Multi-AZ cluster with it.
      for (const member of job.members ?? []) {
        const memberArn = `arn:aws:rds:eu-central-1:111122223333:db:${member}`;
        const cluster = job.identifier;
        this.instances.set(member, {
          arn: memberArn,
          subnetGroup,
          status,
          tags: new Map(),
          looks: 0,
          cluster,
          multiAz: true,
        });
      }
    }
    return { Status: 'COMPLETED', CreatedResourceArn: arn };
  }

  private ecs(name: string, input: Record<string, unknown>): unknown {
    switch (name) {
      case 'ECS.RunTask': {
        const [startedBy, clientToken] = [input['startedBy'] as string, input['clientToken'] as string];
        const known = [...this.tasks].find(([, task]) => task.clientToken === clientToken);
        const taskArn = known?.[0] ?? `arn:aws:ecs:eu-central-1:111122223333:task/site/${this.tasks.size + 1}`;
        if (!known) this.tasks.set(taskArn, { status: 'NEW', startedBy, clientToken });
        return { tasks: [{ taskArn }] };
      }
      case 'ECS.DescribeTasks': {
        const task = this.tasks.get((input['tasks'] as string[])[0] ?? '');
        assert.ok(task);
        task.status = this.taskCourse.shift() ?? task.status;
        return {
          tasks: [
            {
              lastStatus: task.status,
              ...(task.status === 'STOPPED' ? { stoppedReason: 'CannotPullContainerError: no such image' } : {}),
              attachments: [{ details: [{ name: 'privateIPv4Address', value: '10.0.0.9' }] }],
            },
          ],
        };
      }
      case 'ECS.ListTasks':
        return {
          taskArns: [...this.tasks]
            .filter(([, { status, startedBy }]) => status !== 'STOPPED' && startedBy === input['startedBy'])
            .map(([arn]) => arn),
        };
      case 'ECS.StopTask': {
        const task = this.tasks.get(input['task'] as string);
        assert.ok(task);
        task.status = 'STOPPED';
        return {};
      }
      default:
        throw new Error(`unexpected call ${name}`);
    }
  }

  private rds(name: string, input: Record<string, unknown>): unknown {
    const byArn = [...this.instances.values(), ...this.clusters.values()].find(
      ({ arn }) => arn === input['ResourceName'],
    );
    const identifier = input['DBInstanceIdentifier'] as string;
    const instance = this.instances.get(identifier);
    switch (name) {
      case 'RDS.AddTagsToResource':
        for (const { Key, Value } of input['Tags'] as { Key: string; Value: string }[]) byArn?.tags.set(Key, Value);
        return {};
      case 'RDS.ListTagsForResource':
        return { TagList: [...(byArn?.tags ?? [])].map(([Key, Value]) => ({ Key, Value })) };
      case 'RDS.DescribeDBInstances': {
        if (identifier === undefined) return { DBInstances: this.listed() };
        if (instance === undefined) throw named('DBInstanceNotFoundFault', identifier);
        if (instance.looks++ === 1 && instance.status === 'creating') instance.status = 'available';
        if (instance.status === 'deleting' && instance.looks > 10) this.instances.delete(identifier);
        return {
          DBInstances: [
            {
              DBInstanceArn: instance.arn,
              DBInstanceStatus: instance.status,
              ...this.instanceSize,
              ...this.availability,
              ...(instance.status === 'available' ? { Endpoint: { Address: 'db.internal', Port: 5432 } } : {}),
            },
          ],
        };
      }
      case 'RDS.DescribeDBClusters': {
        const wanted = input['DBClusterIdentifier'] as string | undefined;
        if (wanted !== undefined && !this.clusters.has(wanted)) throw named('DBClusterNotFoundFault', wanted);
        return {
          DBClusters: [...this.clusters].flatMap(([name, cluster]) => {
            if (wanted !== undefined && name !== wanted) return [];
            if (cluster.looks++ === 1 && cluster.status === 'creating') cluster.status = 'available';
            if (cluster.status === 'deleting' && (wanted === undefined || cluster.looks > 10))
              this.clusters.delete(name);
            return {
              DBClusterIdentifier: name,
              DBClusterArn: cluster.arn,
              Status: cluster.status,
              DBSubnetGroup: cluster.subnetGroup,
              Engine: 'aurora-postgresql',
              Endpoint: `${name}.cluster-c1.internal`,
              Port: 5432,
              AllocatedStorage: 1,
            };
          }),
        };
      }
      case 'RDS.CreateDBInstance': {
        const cluster = this.clusters.get(input['DBClusterIdentifier'] as string);
        if (cluster === undefined) throw named('DBClusterNotFoundFault', input['DBClusterIdentifier'] as string);
        if (cluster.status !== 'available') throw named('InvalidDBClusterStateFault', cluster.status);
        if (instance !== undefined) throw named('DBInstanceAlreadyExistsFault', identifier);
        const tags = (input['Tags'] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value] as const);
        this.instances.set(identifier, {
          arn: `arn:aws:rds:eu-central-1:111122223333:db:${identifier}`,
          subnetGroup: input['DBSubnetGroupName'] as string,
          status: this.createdStatus,
          tags: new Map(tags),
          looks: 0,
          cluster: input['DBClusterIdentifier'] as string,
        });
        return {};
      }
      case 'RDS.DeleteDBCluster': {
        const name = input['DBClusterIdentifier'] as string;
        const cluster = this.clusters.get(name);
        if (cluster === undefined) throw named('DBClusterNotFoundFault', name);
        const members = [...this.instances].filter(([, each]) => each.cluster === name);
        const hasMembers = members.some(([, { multiAz }]) => multiAz !== true);
        if (hasMembers || cluster.status === 'creating') throw named('InvalidDBClusterStateFault', name);
        for (const [member] of members) this.instances.delete(member);
        cluster.status = 'deleting';
        return {};
      }
      case 'RDS.DescribeDBInstanceAutomatedBackups': {
        // In pages of one, as no caller may count on all at once.
        const page = Number(input['Marker'] ?? 0);
        return {
          DBInstanceAutomatedBackups: this.automatedBackups.slice(page, page + 1),
          ...(page + 1 < this.automatedBackups.length ? { Marker: String(page + 1) } : {}),
        };
      }
      case 'RDS.DescribeDBClusterAutomatedBackups':
        return { DBClusterAutomatedBackups: this.clusterBackups };
      case 'RDS.RestoreDBClusterToPointInTime': {
        const target = input['DBClusterIdentifier'] as string;
        if (this.clusters.has(target)) throw named('DBClusterAlreadyExistsFault', target);
        const tags = (input['Tags'] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value] as const);
        this.clusters.set(target, {
          arn: `arn:aws:rds:eu-central-1:111122223333:cluster:${target}`,
          subnetGroup: input['DBSubnetGroupName'] as string,
          status: this.restoredStatus,
          tags: new Map(tags),
          looks: 0,
        });
        return {};
      }
      case 'RDS.RestoreDBInstanceToPointInTime': {
        const target = input['TargetDBInstanceIdentifier'] as string;
        if (this.instances.has(target)) throw named('DBInstanceAlreadyExistsFault', target);
        const tags = (input['Tags'] as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value] as const);
        this.instances.set(target, {
          arn: `arn:aws:rds:eu-central-1:111122223333:db:${target}`,
          subnetGroup: input['DBSubnetGroupName'] as string,
          status: this.restoredStatus,
          tags: new Map(tags),
          looks: 0,
        });
        return {};
      }
      case 'RDS.DeleteDBInstance':
        if (instance === undefined) throw named('DBInstanceNotFoundFault', identifier);
        if (instance.status === 'creating') throw named('InvalidDBInstanceStateFault', identifier);
        if (instance.multiAz) throw named('InvalidDBClusterStateFault', 'a member of a Multi-AZ DB cluster');
        // Stricter than RDS may be: snapshots and backups of a member are its cluster’s.
        if (instance.cluster !== undefined && 'DeleteAutomatedBackups' in input) {
          throw named('InvalidParameterCombination', identifier);
        }
        instance.status = 'deleting';
        return {};
      default:
        throw new Error(`unexpected call ${name}`);
    }
  }

  /** Everything in the Region. Looking makes time pass. */
  private listed(): unknown[] {
    return [...this.instances].map(([identifier, instance]) => {
      if (instance.looks++ === 1 && instance.status === 'creating') instance.status = 'available';
      if (instance.status === 'deleting') this.instances.delete(identifier);
      return {
        DBInstanceIdentifier: identifier,
        DBInstanceArn: instance.arn,
        DBInstanceStatus: instance.status,
        DBSubnetGroup: { DBSubnetGroupName: instance.subnetGroup },
        ...(instance.cluster === undefined ? {} : { DBClusterIdentifier: instance.cluster }),
        Engine: instance.multiAz || instance.cluster === undefined ? 'postgres' : 'aurora-postgresql',
      };
    });
  }

  private s3(name: string, input: Record<string, unknown>): unknown {
    const key = input['Key'] as string;
    if (name === 'S3.PutObject') {
      const present = this.objects.get(key);
      if (input['IfNoneMatch'] === '*' && present !== undefined) throw named('PreconditionFailed', key);
      if (input['IfMatch'] !== undefined && input['IfMatch'] !== etagOf(present))
        throw named('PreconditionFailed', key);
      this.objects.set(key, input['Body'] as string);
      return {};
    }
    if (name === 'S3.ListObjectsV2') {
      const prefix = input['Prefix'] as string;
      if (input['Delimiter'] === undefined) {
        return { Contents: [...this.objects.keys()].filter((each) => each.startsWith(prefix)).map((Key) => ({ Key })) };
      }
      // In pages of one, as no caller may count on all at once.
      const folders = new Set(
        [...this.objects.keys()]
          .filter((each) => each.startsWith(prefix) && each.slice(prefix.length).includes('/'))
          .map((each) => `${prefix}${each.slice(prefix.length).split('/')[0]}/`),
      );
      const page = Number(input['ContinuationToken'] ?? 0);
      const [folder] = [...folders].sort().slice(page);
      return {
        CommonPrefixes: folder === undefined ? [] : [{ Prefix: folder }],
        ...(page + 1 < folders.size ? { NextContinuationToken: String(page + 1) } : {}),
      };
    }
    const text = this.objects.get(key);
    if (text === undefined) throw named('NoSuchKey', 'The specified key does not exist.');
    return { ETag: etagOf(text), Body: { transformToString: () => Promise.resolve(text) } };
  }
}

/** What a restore job makes, by its type. */
function jobKinds(resourceType: string, metadata: Record<string, string>) {
  switch (resourceType) {
    case 'Aurora':
      return { kind: 'cluster' as const, identifier: metadata['DBClusterIdentifier'] ?? '' };
    case 'EFS':
      return { kind: 'file-system' as const, identifier: metadata['file-system-id'] ?? '' };
    default: {
      const cluster = metadata['DBClusterIdentifier'];
      if (cluster === undefined) return { kind: 'db' as const, identifier: metadata['DBInstanceIdentifier'] ?? '' };
      return {
        kind: 'cluster' as const,
        identifier: cluster,
        members: [1, 2, 3].map((n) => `${cluster}-instance-${n}`),
      };
    }
  }
}

const etagOf = (text: string | undefined) => text && `"${createHash('sha256').update(text).digest('hex')}"`;

export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

export function passingChecks(event: CheckEvent): CheckOutcome[] {
  const outcome = (check: string, component: string): CheckOutcome => ({
    check,
    component,
    status: 'PASSED',
    reason: 'as it should be',
    compared: { things: 1 },
    durationMs: 1,
  });
  return [
    ...event.databases.flatMap(({ name, datasources }) =>
      datasources.flatMap(() => [outcome('datasource-connects', name), outcome('tables-present', name)]),
    ),
    outcome('tenants-agree', 'is-db + repository'),
    outcome('user-stores', 'repository'),
    outcome('declared-databases', 'repository'),
    outcome('keystores-present', 'repository'),
    outcome('keystores-open', 'repository'),
    outcome('encryption-key', 'repository'),
    outcome('encrypted-values', 'is-db + repository'),
    ...event.volumes.map(({ name }) => outcome('artifact-hashes', name)),
  ];
}

/** Runs a drill at the site, through everything that `options` has happen to it. */
export function runDrill(
  site: FakeSite,
  event: unknown = { deployment: 'prod' },
  options: Partial<RunOptions> & { readonly settings?: Partial<Settings>; readonly aws?: Aws } = {},
) {
  const { settings, aws, ...rest } = options;
  return runDurable<DrillResult>(
    (invocation) => (input, context) =>
      drill(input, context, aws ?? site.aws(invocation), { ...SETTINGS, ...settings }),
    {
      event,
      functions: {
        'restore-function': site.restoreFunction,
        'adopt-function': site.restoreFunction,
        'check-function': site.checkFunction,
      },
      ...rest,
    },
  );
}

export function reportOf(site: FakeSite): DrillReport {
  const [key] = [...site.objects.keys()].filter((name) => name.endsWith('/report.json'));
  assert.ok(key, 'a report was written');
  return JSON.parse(site.objects.get(key) ?? '') as DrillReport;
}

/** Of an execution that went to its end. */
export function summaryOf(result: DrillResult | undefined): DrillSummary {
  assert.equal(result?.outcome, 'REPORTED');
  return result as DrillSummary;
}
