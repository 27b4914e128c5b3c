import { readFileSync } from 'node:fs';
import { Annotations, ArnFormat, Duration, RemovalPolicy, Stack, Stage, Token } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { artifactExport } from './artifacts/artifact-export';
import { replicatedBucket } from './artifacts/replicated-bucket';
import { coverage } from './databases/coverage';
import { shareCredentials } from './databases/credentials';
import type { ProtectedDatabase } from './databases/protected-database';
import type { DeploymentToml } from './deployment/deployment-toml';
import { FAILED_JOB_STATES, failureTopic, notifyOfJobs } from './notifications/failure-topic';
import { assumptionsInSeconds, type PlanningAssumptions } from './objectives/planning-assumptions';
import type { RecoveryObjectives } from './objectives/recovery-objectives';
import { formatDuration } from './planning/duration';
import { PlanInputError } from './planning/errors';
import { measuredRecoveries } from './planning/measured';
import { plan } from './planning/plan';
import {
  PLAN_DOCUMENT_FORMAT_VERSION,
  type DatasourceEntry,
  type RecoveryPlanDocument,
  type Technique,
} from './planning/plan-document';
import type { BackupRule, InfeasibleObjective, MeasuredRecovery, PlanInput, PlanResult } from './planning/plan-types';
import { longestGapSeconds } from './planning/schedule-gap';
import { planDocumentKey } from './private/bucket-layout';
import { invalid } from './private/errors';
import { nameFromId, requireName } from './private/names';
import { planFile } from './private/plan-file';
import type { RecoverySite } from './site/recovery-site';
import { automatedBackupReplication } from './replication/automated-backup-replication';
import { fileSystemReplication } from './replication/file-system-replication';
import { keyAlias, replicaBucketName, vaultName } from './site/site-names';
import { componentBackup } from './vaults/component-backup';
import { recoveryKey } from './vaults/recovery-key';
import { retentionInDays, type RecoveryPointRetention } from './vaults/recovery-point-retention';
import { lockConfiguration, lockInDays, type VaultLockOptions } from './vaults/vault-lock';
import type { Volume } from './volumes/volume';

/** When drills run by themselves. */
export interface DrillOptions {
  /**
   * Whether drills are scheduled. Without it they run when the drill function is invoked.
   *
   * @default true
   */
  readonly scheduled?: boolean;

  /**
   * @default - every seven days
   */
  readonly schedule?: events.Schedule;
}

/** What is protected, how well, and where it is recovered. */
export interface IdentityServerRecoveryProps {
  /** The `deployment.toml` that the servers run with. Every database in it must be covered by `databases`. */
  readonly deployment: DeploymentToml;

  /** The RDS resources that hold the databases of `deployment.toml`. */
  readonly databases: ProtectedDatabase[];

  /** The EFS file systems that hold `<IS_HOME>/repository` or parts of it. */
  readonly volumes: Volume[];

  /** What a recovery has to achieve. Techniques and schedules are derived from it. */
  readonly objectives: RecoveryObjectives;

  /** The DR site, in another Region of the same account. */
  readonly site: RecoverySite;

  /** The network of the export functions: the volumes' mount targets and S3 must be reachable in it. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the export functions.
   *
   * @default - the private or isolated subnets of `vpc`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Name of this deployment: lower-case letters, digits and hyphens, at most 24; unique at its DR site. First part of every
   * key in the bucket, so changing it begins a new archive.
   *
   * @default - made of the stack's name
   */
  readonly deploymentName?: string;

  /**
   * When drills run.
   *
   * @default - every seven days
   */
  readonly drill?: DrillOptions;

  /**
   * How long recovery points are kept, in both vaults.
   *
   * @default - 35 days, without tiers
   */
  readonly backupRetention?: RecoveryPointRetention;

  /**
   * What the arithmetic of the plan needs and AWS does not publish.
   *
   * @default - cautious durations
   */
  readonly assumptions?: PlanningAssumptions;

  /**
   * Path of the `report.json` of the last drill: the times that it measured replace the estimates of the plan, and an RTO that
   * they exceed stops the synth.
   *
   * @default - the times to recover are estimates
   */
  readonly lastDrillReport?: string;

  /**
   * Limits of what the vault in this Region takes: a job whose retention is outside of them fails. In governance mode: who
   * may change the vault may lift it. The vault of the DR site has its own (`RecoverySiteProps.vaultLock`).
   *
   * @default - no lock
   */
  readonly vaultLock?: VaultLockOptions;

  /**
   * How long an object that was overwritten or deleted stays recoverable in the artifact bucket. Whole days.
   *
   * @default Duration.days(90)
   */
  readonly noncurrentVersionRetention?: Duration;

  /**
   * What becomes of the vault, the bucket and the key when they leave the stack. Anything but RETAIN is for trying out: it
   * takes the backups with it, as far as AWS deletes what is not empty.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Backup and disaster recovery for a WSO2 Identity Server deployment: backs up its databases and artifacts as often as the
 * objectives need, copies them to the DR site, and drills there. Stops the synth when a database of `deployment.toml` is
 * not covered or an objective cannot be met.
 */
export class IdentityServerRecovery extends Construct {
  /** Name of this deployment. */
  public readonly deploymentName: string;
  /** Holds the recovery points of the primary Region. */
  public readonly vault: backup.IBackupVault;
  /** Holds the artifact archives and the recovery plan document; replicated to the DR site. */
  public readonly artifactBucket: s3.IBucket;
  /** Failures of backups, copies, exports and replication. Subscribe to it. */
  public readonly failureTopic: sns.ITopic;
  /** The role by which AWS Backup backs up and copies. */
  public readonly backupRole: iam.IRole;

  public constructor(scope: Construct, id: string, props: IdentityServerRecoveryProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const { site, databases, volumes } = props;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.deploymentName = props.deploymentName ?? nameFromId(stack.stackName);
    requireName(this, 'deploymentName', this.deploymentName, MAX_DEPLOYMENT_NAME_LENGTH);
    this.validateSite(site);
    this.validateComponents(databases, volumes);
    const datasources = this.coveredDatasources(props.deployment, databases);
    const planned = this.plan(props);
    this.validateDrill(planned, props);

    const key = recoveryKey(this, 'Key', removalPolicy);
    const topic = failureTopic(this, 'FailureTopic', key);
    const vault = new backup.BackupVault(this, 'Vault', {
      encryptionKey: key,
      lockConfiguration: lockConfiguration(props.vaultLock),
      removalPolicy,
    });
    const backupRole = new iam.Role(this, 'BackupRole', {
      description: 'AWS Backup backs up and copies with it',
      assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForBackup')],
    });
    const bucket = replicatedBucket(this, 'ArtifactBucket', {
      replica: s3.Bucket.fromBucketName(this, 'ReplicaBucket', replicaBucketName(site.siteName, site.region)),
      topic,
      noncurrentVersionRetention: props.noncurrentVersionRetention,
      removalPolicy,
    });
    const drVault = backup.BackupVault.fromBackupVaultArn(
      this,
      'DrVault',
      stack.formatArn({
        service: 'backup',
        region: site.region,
        resource: 'backup-vault',
        resourceName: vaultName(site.siteName),
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );

    const resourceArns = new Map([
      ...databases.map((database) => [database.name, database._arn] as const),
      ...volumes.map((volume) => [volume.name, fileSystemArn(stack, volume)] as const),
    ]);
    const backUp = (id: string, planName: string, name: string, rules: readonly BackupRule[]) =>
      componentBackup(this, id, {
        planName,
        resourceArn: resourceArns.get(name)!,
        rules,
        vault,
        drVault,
        role: backupRole,
      });
    for (const { name, rules } of [...planned.databases, ...planned.volumes]) {
      backUp(`BackupPlan-${name}`, `${this.deploymentName}-${name}`, name, rules);
    }
    for (const { name, continuous, automatedBackupReplication: replicated } of planned.databases) {
      const planName = `${this.deploymentName}-${name}${CONTINUOUS_SUFFIX}`;
      const protection = continuous && backUp(`ContinuousBackupPlan-${name}`, planName, name, [continuous]);
      if (!replicated) continue;
      const replication = automatedBackupReplication(this, `AutomatedBackupReplication-${name}`, {
        instanceArn: resourceArns.get(name)!,
        drRegion: site.region,
        drKeyAlias: keyAlias(site.siteName),
        retentionDays: replicated.retentionDays,
      });
      // RDS replicates automated backups that are on, and continuous backup turns them on.
      if (protection) replication.node.addDependency(protection);
    }
    for (const protection of planned.volumes) {
      const volume = volumes.find(({ name }) => name === protection.name)!;
      if (protection.replicated) {
        fileSystemReplication(this, `FileSystemReplication-${protection.name}`, {
          fileSystemId: volume.accessPoint.fileSystem.fileSystemId,
          fileSystemArn: resourceArns.get(protection.name)!,
          drRegion: site.region,
        });
      }
      if (!protection.export) continue;
      artifactExport(this, `Export-${protection.name}`, {
        deployment: this.deploymentName,
        volume,
        bucket,
        topic,
        vpc: props.vpc,
        vpcSubnets: props.vpcSubnets,
        scheduleExpression: protection.export.scheduleExpression,
        removalPolicy,
      });
    }
    for (const { credentials } of databases) shareCredentials(credentials, site.region, site.siteName);
    planFile(this, this.deploymentName, planned);
    this.publish(bucket, this.planDocument(props, planned, datasources, resourceArns));
    notifyOfJobs(this, 'BackupJobFailures', topic, {
      detailType: 'Backup Job State Change',
      detail: { state: FAILED_JOB_STATES, backupVaultName: [vault.backupVaultName] },
    });
    notifyOfJobs(this, 'CopyJobFailures', topic, {
      detailType: 'Copy Job State Change',
      detail: { state: FAILED_JOB_STATES, sourceBackupVaultArn: [vault.backupVaultArn] },
    });

    site._register(this.deploymentName, drillSchedule(props.drill));
    // Replication and copies need their destination first. Between stages, whoever deploys them keeps the order.
    if (Stage.of(this) === Stage.of(site))
      stack.addStackDependency(Stack.of(site), 'replication and copies need the DR site');

    this.vault = vault;
    this.artifactBucket = bucket;
    this.failureTopic = topic;
    this.backupRole = backupRole;
  }

  private validateSite(site: RecoverySite): void {
    const stack = Stack.of(this);
    const siteStack = Stack.of(site);
    if (Token.isUnresolved(stack.region)) {
      throw invalid(
        this,
        "`env.region` of the stack must be a Region's name, got none: write new Stack(app, ID, { env: { region: ... } }), " +
          'since the DR Region must be another one',
      );
    }
    if (stack.region === site.region) {
      throw invalid(
        this,
        `\`site\` must be in another Region than what it protects, got ${site.region} for both: ` +
          'put the RecoverySite into a stack with another `env.region`',
      );
    }
    const accounts = [stack.account, siteStack.account].filter((account) => !Token.isUnresolved(account));
    if (new Set(accounts).size > 1) {
      throw invalid(
        this,
        `\`site\` must be in the same account, got ${accounts.join(' and ')}: copies between accounts are not supported yet`,
      );
    }
  }

  private validateComponents(databases: ProtectedDatabase[], volumes: Volume[]): void {
    if (databases.length === 0) {
      throw invalid(this, '`databases` must hold at least one, got none: IS keeps users and tokens in a database');
    }
    if (volumes.length === 0) {
      throw invalid(this, '`volumes` must hold at least one, got none: IS keeps keystores and tenants in `repository`');
    }
    const names = [...databases, ...volumes].map(({ name }) => name);
    for (const name of names) requireName(this, 'name', name, MAX_COMPONENT_NAME_LENGTH);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw invalid(
        this,
        `\`name\` must be unique among databases and volumes, got '${twice}' twice: give one of them another \`name\``,
      );
    }
    const paths = volumes.map(({ mountedAt }) => mountedAt);
    const samePath = paths.find((path, index) => paths.indexOf(path) !== index);
    if (samePath !== undefined) {
      throw invalid(this, `\`mountedAt\` must be unique among volumes, got '${samePath}' twice: a path has one volume`);
    }
  }

  private validateDrill(planned: PlanResult, { databases, drill = {} }: IdentityServerRecoveryProps): void {
    if (drill.scheduled === false && drill.schedule) {
      throw invalid(this, '`drill.schedule` must be absent where `drill.scheduled` is false: leave out one of them');
    }
    const clusters = databases.filter(({ _kind }) => _kind !== 'rds-instance').map(({ name }) => `cluster ${name}`);
    const techniques = planned.lines
      .filter(({ purpose, site, technique }) => purpose === 'promise' && site === 'dr-site' && !DRILLED.has(technique))
      .filter(({ component }) => !clusters.includes(`cluster ${component}`))
      .map(({ component, technique }) => `${technique} of ${component}`);
    const undrilled = [...clusters, ...techniques];
    if (undrilled.length === 0) return;
    const why = `drills cannot restore from every technique yet, got ${undrilled.join(', ')}`;
    if (drill.scheduled !== false) {
      throw invalid(
        this,
        `\`drill.scheduled\` must be false: ${why}; it protects, but no drill proves that it can be recovered from`,
      );
    }
    Annotations.of(this).addWarningV2('cdk-wso2is-recovery:notDrilled', `${why}: their recovery is unproven`);
  }

  private coveredDatasources(
    deployment: DeploymentToml,
    databases: ProtectedDatabase[],
  ): ReadonlyMap<string, readonly DatasourceEntry[]> {
    const { problems, warnings, datasources } = coverage(deployment.databases, databases);
    if (problems.length > 0) throw invalid(this, problems.join('\n'));
    for (const warning of warnings) {
      Annotations.of(this).addWarningV2('cdk-wso2is-recovery:coversNothing', warning);
    }
    for (const warning of deployment.warnings) {
      Annotations.of(this).addWarningV2('cdk-wso2is-recovery:deploymentToml', warning);
    }
    return datasources;
  }

  private plan(props: IdentityServerRecoveryProps): PlanResult {
    const { objectives, databases, volumes, site } = props;
    const schedule = drillSchedule(props.drill);
    const planned = this.tryPlan({
      objectives: objectives._toSeconds(),
      databases: databases.map((database) => database._planInput),
      volumes: volumes.map((volume) => volume._planInput),
      assumptions: assumptionsInSeconds(props.assumptions),
      retention: retentionInDays(props.backupRetention),
      vaultLock: lockInDays(props.vaultLock),
      drVaultLock: lockInDays(site._vaultLock),
      drillIntervalSeconds: schedule && longestGapSeconds(schedule.expressionString),
      measured: this.measured(props.lastDrillReport),
    });
    if (planned.infeasible.length > 0) {
      throw invalid(this, ['`objectives` must be feasible:', ...planned.infeasible.map(infeasibleLine)].join('\n  '));
    }
    for (const warning of planned.warnings) {
      Annotations.of(this).addWarningV2('cdk-wso2is-recovery:plan', warning);
    }
    return planned;
  }

  private measured(reportPath: string | undefined): MeasuredRecovery[] {
    if (reportPath === undefined) return [];
    try {
      return measuredRecoveries(readFileSync(reportPath, 'utf8'));
    } catch (error) {
      throw invalid(
        this,
        `\`lastDrillReport\` must be the path of a drill's report.json, got '${reportPath}': ${(error as Error).message}`,
      );
    }
  }

  private tryPlan(input: PlanInput): PlanResult {
    try {
      return plan(input);
    } catch (error) {
      if (error instanceof PlanInputError) throw invalid(this, error.message);
      throw error;
    }
  }

  private planDocument(
    { objectives, deployment, databases, volumes, site }: IdentityServerRecoveryProps,
    planned: PlanResult,
    datasources: ReadonlyMap<string, readonly DatasourceEntry[]>,
    resourceArns: ReadonlyMap<string, string>,
  ): RecoveryPlanDocument {
    return {
      formatVersion: PLAN_DOCUMENT_FORMAT_VERSION,
      deployment: this.deploymentName,
      primaryRegion: Stack.of(this).region,
      drRegion: site.region,
      objectives: objectives._toSeconds(),
      databases: databases.map(({ name, _kind, _arn, credentials }) => ({
        name,
        kind: _kind,
        resourceArn: _arn,
        secretArn: this.completeArn(name, credentials.secretFullArn),
        datasources: datasources.get(name) ?? [],
      })),
      volumes: volumes.map(({ name, mountedAt }) => ({ name, mountedAt, fileSystemArn: resourceArns.get(name)! })),
      restoreDependencies: deployment._restoreDependencies,
      plan: planned.lines,
      recoveryTimes: planned.recoveryTimes,
    };
  }

  private completeArn(database: string, secretArn: string | undefined): string {
    if (secretArn !== undefined) return secretArn;
    throw invalid(
      this,
      `\`credentials\` of ${database} must be known by its complete ARN, got a partial one: ` +
        'the replica in the DR Region has the same suffix; import it by Secret.fromSecretCompleteArn',
    );
  }

  /**
   * The drill reads the document from the replica, since the primary Region may be gone. It is written after the bucket
   * replicates: S3 does not replicate what was there before.
   */
  private publish(bucket: s3.Bucket, document: RecoveryPlanDocument): void {
    const key = planDocumentKey(this.deploymentName);
    const resource = new AwsCustomResource(this, 'PlanDocument', {
      resourceType: 'Custom::RecoveryPlanDocument',
      installLatestAwsSdk: false,
      onUpdate: {
        service: 'S3',
        action: 'putObject',
        parameters: {
          Bucket: bucket.bucketName,
          Key: key,
          Body: Stack.of(this).toJsonString(document),
          ContentType: 'application/json',
        },
        physicalResourceId: PhysicalResourceId.of(key),
        // The answer is not needed, and must not outgrow CloudFormation's 4 KB.
        outputPaths: ['ETag'],
      },
      policy: AwsCustomResourcePolicy.fromStatements([
        new iam.PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects(key)] }),
      ]),
    });
    resource.node.addDependency(bucket, this.node.findChild('ReplicationRole'));
  }
}

/** Longest deployment and component names: a backup plan's name, made of both, has at most 50 characters. */
const MAX_DEPLOYMENT_NAME_LENGTH = 24;
const MAX_COMPONENT_NAME_LENGTH = 20;
const CONTINUOUS_SUFFIX = '-pitr';

const drillSchedule = ({ scheduled = true, schedule }: DrillOptions = {}) =>
  scheduled ? (schedule ?? events.Schedule.rate(Duration.days(7))) : undefined;

const fileSystemArn = (stack: Stack, { accessPoint }: Volume) =>
  stack.formatArn({
    service: 'elasticfilesystem',
    resource: 'file-system',
    resourceName: accessPoint.fileSystem.fileSystemId,
  });

const infeasibleLine = (missed: InfeasibleObjective) =>
  `${missed.component}: an ${missed.objective.toUpperCase()} of ${formatDuration(missed.objectiveSeconds)} ` +
  `${missed.site === 'dr-site' ? 'at the DR site' : 'in the Region'} cannot be met, ` +
  (missed.nearestFeasibleSeconds === null ? '' : `the nearest is ${formatDuration(missed.nearestFeasibleSeconds)}: `) +
  missed.reason +
  missed.remedies.map((remedy) => `\n    would meet it: ${remedy}`).join('');

/** What a drill restores from. */
const DRILLED: ReadonlySet<Technique> = new Set([
  'backup-copy',
  'rds-automated-backup-replication',
  'artifact-export-replicated',
]);
