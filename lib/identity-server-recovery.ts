import { Annotations, ArnFormat, type Duration, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type BaselineOptions, serverBaseline } from './artifacts/server-baseline';
import { backupAudit, type BackupAuditOptions } from './audit/backup-audit';
import { replicatedBucket } from './artifacts/replicated-bucket';
import { coverage } from './databases/coverage';
import { protectDatabase } from './databases/protect-database';
import type { ProtectedDatabase } from './databases/protected-database';
import type { DeploymentToml } from './deployment/deployment-toml';
import type { IAlarmStrategy } from './monitoring/alarm-strategy';
import { Alarms } from './monitoring/alarms';
import { driftMetric } from './monitoring/drift-metric';
import { DriftWatch } from './monitoring/drift-watch';
import { exportMetric } from './monitoring/export-metrics';
import { PointWatch } from './monitoring/point-watch';
import { RecoveryDashboard } from './monitoring/recovery-dashboard';
import { recoveryPointAge } from './monitoring/recovery-point-age';
import { watchedAt } from './monitoring/watched';
import { failureTopic } from './notifications/failure-topic';
import { Messages } from './notifications/messages';
import type { PlanningAssumptions } from './objectives/planning-assumptions';
import type { RecoveryObjectives } from './objectives/recovery-objectives';
import type { DatasourceEntry } from './planning/plan-document';
import { warnOfMissingDurableFunctions } from './private/durable-functions';
import { invalid } from './private/errors';
import { EXPORT_METRICS } from './private/metrics';
import { nameFromId, requireName } from './private/names';
import { planFile } from './private/plan-file';
import { type DeletionProtectionOptions, denyDeletion } from './protection/deletion-protection';
import { primaryManifestKeys } from './protection/manifest-keys';
import type { ObjectLockOptions } from './protection/object-lock';
import { lockConfiguration, type VaultLockOptions } from './protection/vault-lock';
import { warnOfDangers } from './recovery/dangers';
import { type DrillOptions, drillSchedule, validateDrill } from './recovery/drill-options';
import { feasiblePlan } from './recovery/feasible-plan';
import { otherAccount, validateAccounts } from './recovery/other-account';
import { publishPlanDocument } from './recovery/publish-plan-document';
import { countRows, type RowCountOptions } from './recovery/row-counts';
import { MAX_DEPLOYMENT_NAME_LENGTH, validateComponents, validateObjectLock, validateSite } from './recovery/validate';
import type { RecoverySite } from './site/recovery-site';
import { isWatched } from './site/drill-watch';
import { inRegionRecovery, type InRegionRecoveryOptions } from './site/in-region-recovery';
import {
  airGappedVaultName,
  inRegionDrillFunctionName,
  manifestKeyAlias,
  replicaBucketName,
  vaultName,
} from './site/site-names';
import { airGapProblems } from './vaults/air-gapped-vault';
import { recoveryKey, shareWithSite } from './vaults/recovery-key';
import type { RecoveryPointRetention } from './vaults/recovery-point-retention';
import type { DeployedBackup } from './vaults/component-backup';
import { protectVolume } from './volumes/protect-volume';
import type { Volume } from './volumes/volume';

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

  /** The DR site, in another Region; in another account of the organisation too, where `docs/other-account.md` is followed. */
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
   * The functions that restore, check and report in the primary Region too, from its own vault and artifact bucket: for
   * failures inside the Region (`recover --site primary`, `drill --site primary`). Databases are restored from snapshots.
   *
   * Not made by itself: its network must reach Secrets Manager, it makes a role in production's Region that may restore, and its
   * alarms cost about 1 USD a month, which is all it costs at rest.
   *
   * @default - recoveries and drills at the DR site alone
   */
  readonly inRegionRecovery?: InRegionRecoveryOptions;

  /**
   * Keeps the entire server directory too, once for each product version: at the first deployment, and within a day where the
   * volume was still empty then or holds a new product version. What `recover --in-place server` puts back. One invocation of a
   * function reads it: a server directory for which 15 minutes do not suffice is kept by the `baseline` command.
   *
   * @default - no baseline but those that the `baseline` command makes, where the server is installed
   */
  readonly baseline?: BaselineOptions;

  /**
   * How long recovery points are kept, in both vaults.
   *
   * @default - 35 days, without tiers
   */
  readonly backupRetention?: RecoveryPointRetention;

  /**
   * Counts the rows of the tables of IS in production, beside the backups, so that a drill can compare what it restored with
   * what was there. Its function is in `vpc`, logs in with the credentials of each database, and needs Secrets Manager to be
   * reachable (NAT or a VPC endpoint).
   *
   * @default - nothing is counted: a drill compares with the drill before it alone
   */
  readonly rowCounts?: RowCountOptions;

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
   * The KMS key of the recovery points and of the failure messages: symmetric, of the primary Region. Of a key that is not in
   * this app the policy must allow what a warning then lists. Not the key of production's databases: who loses that one would lose
   * the backups with it. Another key for a vault replaces the vault: decide before the first deployment.
   *
   * @default - a key of its own, rotated every year
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Limits of what the vault in this Region takes: a job whose retention is outside of them fails. In governance mode: who
   * may change the vault may lift it. The vault of the DR site has its own (`RecoverySiteProps.vaultLock`).
   *
   * @default - no lock
   */
  readonly vaultLock?: VaultLockOptions;

  /**
   * Denies to everybody but the roles named to delete recovery points of the vault in this Region, or to change its policy.
   * The vault of the DR site has its own (`RecoverySiteProps.deletionProtection`).
   *
   * @default - whoever IAM allows to may delete
   */
  readonly deletionProtection?: DeletionProtectionOptions;

  /**
   * AWS Backup Audit Manager in this Region: frameworks whose controls hold what is deployed, and the recovery points, to the plan;
   * with reports where they are asked for. Needs AWS Config to record; AWS charges each evaluation of a control.
   *
   * @default - no frameworks
   */
  readonly audit?: BackupAuditOptions;

  /**
   * S3 Object Lock of the artifact bucket. Needs that of the replica bucket too (`RecoverySiteProps.objectLock`), since S3
   * replicates locked objects to such buckets only.
   *
   * @default - no lock
   */
  readonly objectLock?: ObjectLockOptions;

  /**
   * How long an object that was overwritten or deleted stays recoverable in the artifact bucket. Whole days.
   *
   * @default Duration.days(90)
   */
  readonly noncurrentVersionRetention?: Duration;

  /**
   * What becomes of the alarms: each of these is applied to every alarm of this construct.
   *
   * @default - messages to `failureTopic`
   */
  readonly alarmStrategies?: IAlarmStrategy[];

  /**
   * A CloudWatch dashboard of this Region: all alarms, how old the newest usable point of each component is against its
   * objective, drills, exports. 3 USD a month (list price; CloudWatch's free tier has three).
   *
   * @default true
   */
  readonly dashboard?: boolean;

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
  /**
   * Of the function that counts rows: allow it to reach the databases that are given by ARN; those given as constructs
   * allow it already. Undefined without `rowCounts`.
   */
  public readonly rowCountSecurityGroup?: ec2.ISecurityGroup;
  /**
   * With `inRegionRecovery`: the durable function that drills and recovers in the primary Region, through its alias `live`; its
   * events are those of `RecoverySite.drillFunction`.
   */
  public readonly inRegionDrillFunction?: lambda.IFunction;
  /**
   * With `inRegionRecovery`: of the function that checks what was restored. Allow it to reach the Secrets Manager endpoint of the
   * network, where that is not open to all of it.
   */
  public readonly inRegionCheckSecurityGroup?: ec2.ISecurityGroup;

  public constructor(scope: Construct, id: string, props: IdentityServerRecoveryProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const { deployment, databases, volumes, objectives, site } = props;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const deploymentName = props.deploymentName ?? nameFromId(stack.stackName);
    requireName(this, 'deploymentName', deploymentName, MAX_DEPLOYMENT_NAME_LENGTH);
    validateSite(this, site);
    validateAccounts(this, site, databases);
    const siteAccount = otherAccount(this, site);
    validateObjectLock(this, site, props.objectLock);
    validateComponents(this, databases, volumes);
    const datasources = this.coveredDatasources(deployment, databases);
    const planned = feasiblePlan(this, props);
    if (site._airGapped) {
      const problems = airGapProblems(planned, site._airGapped);
      if (problems.length > 0) throw invalid(this, problems.join('\n'));
    }
    validateDrill(this, planned, databases, props.drill);
    warnOfDangers(this, databases, volumes);
    warnOfMissingDurableFunctions(this, 'exports');

    const key = recoveryKey(this, 'Key', removalPolicy, props.encryptionKey);
    if (siteAccount !== undefined) shareWithSite(this, key, siteAccount);
    const topic = failureTopic(this, 'FailureTopic', key);
    const alarms = Alarms.tell(this, topic, props.alarmStrategies);
    const vault = new backup.BackupVault(this, 'Vault', {
      encryptionKey: key,
      lockConfiguration: lockConfiguration(this, props.vaultLock),
      removalPolicy,
    });
    denyDeletion(this, vault, props.deletionProtection);
    const backupRole = new iam.Role(this, 'BackupRole', {
      description: 'AWS Backup backs up and copies with it',
      assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForBackup')],
    });
    const replicaBucket = replicaBucketName(site.siteName, site.region, siteAccount);
    const bucket = replicatedBucket(this, 'ArtifactBucket', {
      replica: s3.Bucket.fromBucketName(this, 'ReplicaBucket', replicaBucket),
      noncurrentVersionRetention: props.noncurrentVersionRetention,
      objectLock: props.objectLock,
      removalPolicy,
    });

    const manifestKeys = primaryManifestKeys(this, site._manifestAuthentication, {
      siteRegion: site.region,
      alias: manifestKeyAlias(site.siteName),
      removalPolicy,
    });

    const protect = {
      deployment: deploymentName,
      site,
      target: {
        vault,
        drVault: this.vaultAt(site, siteAccount, 'DrVault', vaultName(site.siteName)),
        airGappedVault:
          site._airGapped && this.vaultAt(site, siteAccount, 'AirGappedVault', airGappedVaultName(site.siteName)),
        role: backupRole,
      },
    };
    const backups: DeployedBackup[] = [];
    for (const protection of planned.databases) {
      const database = databases.find(({ name }) => name === protection.name)!;
      backups.push(...protectDatabase(this, { ...protect, database, protection }));
    }
    const exportFunctions: Record<string, string> = {};
    for (const protection of planned.volumes) {
      const volume = volumes.find(({ name }) => name === protection.name)!;
      const exports = { bucket, manifestKeys, vpc: props.vpc, vpcSubnets: props.vpcSubnets, removalPolicy };
      const { backup: backedUp, exporter } = protectVolume(this, { ...protect, volume, protection, exports });
      backups.push(backedUp);
      if (exporter) exportFunctions[volume.name] = exporter.functionName;
    }
    if (props.rowCounts) {
      this.rowCountSecurityGroup = countRows(this, props.rowCounts, {
        deploymentName,
        deployment,
        databases,
        datasources,
        bucket,
        topic,
        vpc: props.vpc,
        vpcSubnets: props.vpcSubnets,
        removalPolicy,
      });
    }
    if (props.inRegionRecovery) {
      const { drill, check } = inRegionRecovery(this, props.inRegionRecovery, {
        deploymentName,
        siteName: site.siteName,
        vpc: props.vpc,
        vpcSubnets: props.vpcSubnets,
        bucket,
        vault,
        vaultLock: props.vaultLock,
        objectLock: props.objectLock !== undefined,
        key,
        topic,
        databaseArns: databases.map(({ _arn }) => _arn),
        manifestKeys,
        removalPolicy,
      });
      this.inRegionDrillFunction = drill;
      this.inRegionCheckSecurityGroup = check;
    }
    if (props.audit) {
      backupAudit(this, props.audit, {
        deploymentName,
        planned,
        databases,
        backups,
        vaultName: vault.backupVaultName,
        vaultLock: props.vaultLock,
        deletionProtection: props.deletionProtection,
        drRegion: site.region,
        drAccount: siteAccount,
        rtoSeconds: objectives._toSeconds().inRegion.rtoSeconds,
        removalPolicy,
      });
    }
    planFile(this, deploymentName, planned);
    const replication = this.node.findChild('ReplicationRole');
    const baseline =
      props.baseline &&
      serverBaseline(this, props.baseline, {
        deploymentName,
        bucket,
        topic,
        vpc: props.vpc,
        vpcSubnets: props.vpcSubnets,
        removalPolicy,
        replication,
      });
    publishPlanDocument(this, bucket, [replication], {
      deploymentName,
      deployment,
      databases,
      volumes,
      objectives,
      site,
      replicaBucket,
      planned,
      datasources,
      resources: {
        siteName: site.siteName,
        artifactBucket: bucket.bucketName,
        vaultName: vault.backupVaultName,
        backupRoleArn: backupRole.roleArn,
        exportFunctions,
        ...(baseline && { baselineFunction: baseline.functionName }),
        ...(props.inRegionRecovery && { inRegionDrillFunction: inRegionDrillFunctionName(deploymentName) }),
      },
    });
    const messages = new Messages(this, 'Messages', { topic, key, removalPolicy });
    messages.ofJobs('BackupJobFailures', 'Backup', { backupVaultName: [vault.backupVaultName] });
    messages.ofJobs('CopyJobFailures', 'Copy', { sourceBackupVaultArn: [vault.backupVaultArn] });
    messages.ofVault(vault);
    messages.ofKeys([key.keyArn, ...(manifestKeys?.arns ?? [])]);
    messages.ofReplication(bucket);

    new DriftWatch(this, 'DriftWatch', {
      deployment: deploymentName,
      bucket,
      topic,
      backups,
      volume: volumeOf(deployment._restoreDependencies.deploymentTomlPath, volumes),
      manifestKeys,
      removalPolicy,
    });
    const watch = new PointWatch(this, 'PointWatch', { site: 'in-region', bucket, vault, manifestKeys, removalPolicy });
    const watched = watchedAt('in-region', deploymentName, planned, objectives);
    watch.add({
      ...watched,
      rdsResources: databases.map(({ _kind, _arn }) => ({ kind: _kind, arn: _arn })),
    });
    if (props.dashboard ?? true) {
      const name = `wso2is-recovery-${deploymentName}-${stack.region}`;
      new RecoveryDashboard(this, 'Dashboard', name, 'in-region', alarms).add({
        ...watched,
        drills: props.inRegionRecovery !== undefined,
        drillsWatched: isWatched(props.inRegionRecovery?.drillSchedule),
        exported: Object.keys(exportFunctions),
      });
    }
    if (siteAccount !== undefined) site._admit(stack.account, deploymentName);
    site._register(watchedAt('dr-site', deploymentName, planned, objectives), drillSchedule(props.drill));
    // Replication and copies need their destination first. Between stages, whoever deploys them keeps the order.
    if (Stage.of(this) === Stage.of(site))
      stack.addStackDependency(Stack.of(site), 'replication and copies need the DR site');

    this.deploymentName = deploymentName;
    this.vault = vault;
    this.artifactBucket = bucket;
    this.failureTopic = topic;
    this.backupRole = backupRole;
  }

  /**
   * Age of the newest state that a component can be restored to in this Region, in seconds: of a recovery point in the vault, of a
   * complete export, of the latest restorable time of RDS. Where there is nothing, the time since the first recovery plan was
   * published. Put every minute or every five; there is an alarm over it. That of the DR site is `RecoverySite`'s.
   *
   * @param component name of a database or a volume
   * @param options default: the maximum of five minutes
   */
  public metricRecoveryPointAge(component: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return recoveryPointAge(this.deploymentName, 'in-region', component, options);
  }

  /**
   * How long an export of a volume took, in seconds, from its start to its point. Put once by each export that made one.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportDuration(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.duration, this.deploymentName, volume, options);
  }

  /**
   * Files in a point of a volume, a count. Put once by each export that made one.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportFiles(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.files, this.deploymentName, volume, options);
  }

  /**
   * Sum of the sizes of the files in a point of a volume, in bytes; what it takes in S3 is less. Put once by each export that
   * made one.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportBytes(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.bytes, this.deploymentName, volume, options);
  }

  /**
   * Files that are new, gone or of another content since the point before, a count. Put once by each export that made a
   * point, but the first.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportChanged(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.changed, this.deploymentName, volume, options);
  }

  /**
   * Paths of a volume that an export could not read, or that never held still, a count; what is left out on purpose is not in
   * it. Put once by each export that made a point.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportSkipped(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.skipped, this.deploymentName, volume, options);
  }

  /**
   * Whether an export found its point suspicious, a count: 1 or 0. Put once by each export that made a point; there is an alarm
   * over it.
   *
   * @param volume its name
   * @param options default: the maximum of five minutes
   */
  public metricExportSuspicious(volume: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return exportMetric(EXPORT_METRICS.suspicious, this.deploymentName, volume, options);
  }

  /**
   * How many things are not as they were deployed, a count: databases that `deployment.toml` on the volume declares, backup plans
   * that were changed, databases and volumes that left theirs. Put every hour; there is an alarm over it.
   *
   * @param options default: the maximum of five minutes
   */
  public metricRecoveryDrift(options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return driftMetric(this.deploymentName, options);
  }

  private vaultAt(site: RecoverySite, account: string | undefined, id: string, name: string): backup.IBackupVault {
    const arn = Stack.of(this).formatArn({
      service: 'backup',
      region: site.region,
      account,
      resource: 'backup-vault',
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return backup.BackupVault.fromBackupVaultArn(this, id, arn);
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
}

/** Name of the volume that holds a path of `<IS_HOME>`: the one mounted nearest to it. */
const volumeOf = (path: string, volumes: readonly Volume[]) =>
  volumes
    .filter(({ mountedAt }) => path.startsWith(`${mountedAt}/`))
    .sort((a, b) => b.mountedAt.length - a.mountedAt.length)[0]?.name;
