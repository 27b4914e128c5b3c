import { Duration, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type RestoreTestingOptions, restoreTesting } from '../audit/restore-testing';
import { archiveBucket } from '../artifacts/archive-bucket';
import type { IAlarmStrategy } from '../monitoring/alarm-strategy';
import { Alarms } from '../monitoring/alarms';
import { drillMetric } from '../monitoring/drill-metrics';
import { PointWatch, type WatchedDeployment } from '../monitoring/point-watch';
import { RecoveryDashboard } from '../monitoring/recovery-dashboard';
import { recoveryPointAge } from '../monitoring/recovery-point-age';
import { failureTopic } from '../notifications/failure-topic';
import { Messages } from '../notifications/messages';
import { replicatedKeys } from '../private/bucket-layout';
import { warnOfMissingDurableFunctions } from '../private/durable-functions';
import { invalid } from '../private/errors';
import { DRILL_METRICS } from '../private/metrics';
import { requireName } from '../private/names';
import { type DeletionProtectionOptions, denyDeletion } from '../protection/deletion-protection';
import { ManifestAuthentication } from '../protection/manifest-authentication';
import { siteManifestKeys } from '../protection/manifest-keys';
import type { ObjectLockOptions } from '../protection/object-lock';
import { lockConfiguration, type VaultLockOptions } from '../protection/vault-lock';
import {
  type AirGappedRetention,
  airGappedRetention,
  airGappedVault,
  type AirGappedVaultOptions,
} from '../vaults/air-gapped-vault';
import { recoveryKey } from '../vaults/recovery-key';
import { boot, type BootOptions, type BootSurroundings } from './boot';
import { drillFunctions, mayReadTaggedSecrets, scheduleDrills } from './drill-functions';
import { DrillWatch, isWatched } from './drill-watch';
import {
  airGappedVaultName,
  drillFunctionName,
  keyAlias,
  manifestKeyAlias,
  MAX_SITE_NAME_LENGTH,
  replicaBucketName,
  vaultName,
} from './site-names';
import { siteNetwork } from './site-network';

/** The DR site: what there is in the Region that takes over. */
export interface RecoverySiteProps {
  /**
   * Name of the site: lower-case letters, digits and hyphens, at most 35; unique in its account and Region. The vault and
   * the replica bucket are named after it, so that primary stacks know them without a reference between the Regions.
   *
   * @default 'wso2is-recovery'
   */
  readonly siteName?: string;

  /**
   * The network of drills. It must reach S3 and Secrets Manager (VPC endpoints where there is no NAT).
   *
   * @default - a VPC of its own over two Availability Zones, without any way out, with the two endpoints
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of `vpc` for functions and restored databases, in at least two Availability Zones.
   *
   * @default - the private or isolated subnets of `vpc`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The KMS key of the recovery points at the site, which are encrypted anew with it when they are copied, and of the failure messages: symmetric, of the site's Region. Of a key that is not in
   * this app the policy must allow what a warning then lists. Not the key of production's databases: who loses that one would lose
   * the backups with it. Another key for a vault replaces the vault: decide before the first deployment.
   *
   * @default - a key of its own, rotated every year
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * Limits of what the vault takes: a job whose retention is outside of them fails. In governance mode: who may change the
   * vault may lift it.
   *
   * @default - no lock
   */
  readonly vaultLock?: VaultLockOptions;

  /**
   * Copies into a logically air-gapped vault too, beside that of the site, which drills and recoveries use: what is left when somebody
   * emptied that one, or took its key away ([how to get back from it](docs/security.md)).
   *
   * @default - the vault of the site alone
   */
  readonly airGappedVault?: AirGappedVaultOptions;

  /**
   * Denies to everybody but the roles named to delete recovery points of the vault, or to change its policy.
   *
   * @default - whoever IAM allows to may delete
   */
  readonly deletionProtection?: DeletionProtectionOptions;

  /**
   * Restore testing of AWS Backup, beside the drills, as a proof that does not come from us: AWS picks, restores and deletes; our checks say whether
   * it works. Of RDS instances alone. A schedule of its own; costs extra.
   *
   * @default - drills alone
   */
  readonly restoreTesting?: RestoreTestingOptions;

  /**
   * S3 Object Lock of the replica bucket. A replica keeps the lock of its source; reports of drills get this one.
   *
   * @default - no lock
   */
  readonly objectLock?: ObjectLockOptions;

  /**
   * How it is known who made a point of an archive: of all deployments that recover here, in both Regions.
   *
   * @default ManifestAuthentication.withSiteKey()
   */
  readonly manifestAuthentication?: ManifestAuthentication;

  /**
   * How long an object that was overwritten or deleted stays recoverable in the replica bucket. Whole days.
   *
   * @default Duration.days(90)
   */
  readonly noncurrentVersionRetention?: Duration;

  /**
   * How long a drill may take, clean-up included, before Lambda ends it.
   *
   * @default Duration.days(1)
   */
  readonly drillTimeout?: Duration;

  /**
   * What becomes of the alarms: each of these is applied to every alarm of this construct.
   *
   * @default - messages to `failureTopic`
   */
  readonly alarmStrategies?: IAlarmStrategy[];

  /**
   * A CloudWatch dashboard of this Region: all alarms, how old the newest usable point of each component is against its
   * objective, drills. 3 USD a month (list price; CloudWatch's free tier has three).
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
 * The DR site of one or more deployments, in a stack of its own in the DR Region: the vault and the bucket that receive
 * the copies, and the durable function that restores them, checks them, reports and cleans up. It needs nothing of the
 * primary Region at run time.
 */
export class RecoverySite extends Construct {
  /** Name of the site. */
  public readonly siteName: string;
  /** The DR Region. */
  public readonly region: string;
  /** Receives the copies of the recovery points. */
  public readonly vault: backup.IBackupVault;
  /** Receives the artifact archives and the recovery plan documents by replication; keeps the drill reports. */
  public readonly replicaBucket: s3.IBucket;
  /** Failures at the site, and the verdict of each drill that did not pass. Subscribe to it. */
  public readonly failureTopic: sns.ITopic;
  /**
   * The durable function, named after the site (`SITE-drill`), through the alias `live` that it is invoked by: event
   * `{ "deployment": NAME }` for a drill, `{ "deployment": NAME, "mode": "recover" }` for a recovery.
   */
  public readonly drillFunction: lambda.IFunction;
  /** The network of drills. */
  public readonly vpc: ec2.IVpc;
  /** Whoever is in this security group reaches the restored databases: the check function, and checks of your own. */
  public readonly checkSecurityGroup: ec2.ISecurityGroup;

  /**
   * @internal
   */
  public readonly _vaultLock?: VaultLockOptions;
  /**
   * Undefined: there is no air-gapped vault.
   * @internal
   */
  public readonly _airGapped?: AirGappedRetention;

  /**
   * @internal
   */
  public readonly _objectLock?: ObjectLockOptions;

  /**
   * @internal
   */
  public readonly _manifestAuthentication: ManifestAuthentication;

  private readonly deployments = new Set<string>();
  private readonly admitted = new Set<string>();
  private readonly ownVault: backup.BackupVault;
  private readonly ownChecks = new Map<string, lambda.IFunction>();
  private readonly drillRole: iam.IGrantable;
  private readonly watch: DrillWatch;
  private readonly forBoot: BootSurroundings;
  private readonly hasOwnVpc: boolean;
  private booted?: string;
  private readonly pointWatch: PointWatch;
  private readonly dashboard?: RecoveryDashboard;

  public constructor(scope: Construct, id: string, props: RecoverySiteProps = {}) {
    super(scope, id);
    this.siteName = props.siteName ?? 'wso2is-recovery';
    this.region = this.concreteRegion();
    requireName(this, 'siteName', this.siteName, MAX_SITE_NAME_LENGTH);
    if (props.vpcSubnets && !props.vpc) {
      throw invalid(this, '`vpcSubnets` must come with `vpc`, got no `vpc`: the own VPC has one kind of subnet only');
    }
    warnOfMissingDurableFunctions(this, 'drills');
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const drillTimeout = props.drillTimeout ?? Duration.days(1);

    const key = recoveryKey(this, 'Key', removalPolicy, props.encryptionKey);
    key.addAlias(keyAlias(this.siteName));
    const topic = failureTopic(this, 'FailureTopic', key);
    const alarms = Alarms.tell(this, topic, props.alarmStrategies);
    const vault = new backup.BackupVault(this, 'Vault', {
      backupVaultName: vaultName(this.siteName),
      encryptionKey: key,
      lockConfiguration: lockConfiguration(this, props.vaultLock),
      removalPolicy,
    });
    denyDeletion(this, vault, props.deletionProtection);
    this._airGapped = props.airGappedVault && airGappedRetention(this, props.airGappedVault);
    if (this._airGapped) {
      airGappedVault(this, 'AirGappedVault', airGappedVaultName(this.siteName), this._airGapped, this.admitted);
    }
    const bucket = archiveBucket(this, 'ReplicaBucket', {
      bucketName: replicaBucketName(this.siteName, this.region),
      noncurrentVersionRetention: props.noncurrentVersionRetention,
      objectLock: props.objectLock,
      removalPolicy,
    });

    const authentication = props.manifestAuthentication ?? ManifestAuthentication.withSiteKey();
    const manifestKeys = siteManifestKeys(this, authentication, {
      region: this.region,
      alias: manifestKeyAlias(this.siteName),
      removalPolicy,
    });

    const network = siteNetwork(this, props.vpc && { vpc: props.vpc, subnets: props.vpcSubnets });
    const { drill, alias, check, reap, accessPoint, subnetGroup } = drillFunctions(this, {
      site: 'dr-site',
      functionName: drillFunctionName(this.siteName),
      siteName: this.siteName,
      bucket,
      vault,
      vaultLock: props.vaultLock,
      objectLock: props.objectLock !== undefined,
      key,
      topic,
      manifestKeys,
      network,
      drillTimeout,
      ownChecks: Lazy.string({ produce: () => this.ownCheckArns() }),
      boot: Lazy.string({ produce: () => this.booted }),
      removalPolicy,
    });
    this.watch = new DrillWatch(this, 'DrillWatch', {
      site: 'dr-site',
      bucket,
      drillTimeout,
      removalPolicy,
    });
    this.pointWatch = new PointWatch(this, 'PointWatch', {
      site: 'dr-site',
      bucket,
      vault,
      manifestKeys,
      removalPolicy,
    });
    const messages = new Messages(this, 'Messages', { topic, key, removalPolicy });
    messages.ofVault(vault);
    messages.ofKeys([key.keyArn, ...(manifestKeys?.arns ?? [])]);

    if (props.restoreTesting) {
      restoreTesting(this, props.restoreTesting, {
        siteName: this.siteName,
        vault,
        bucket,
        topic,
        check,
        subnetGroup,
        securityGroupId: network.database.securityGroupId,
        removalPolicy,
      });
    }

    if (props.dashboard ?? true) {
      const name = `${this.siteName}-site-${this.region}`;
      this.dashboard = new RecoveryDashboard(this, 'Dashboard', name, 'dr-site', alarms);
    }

    this._vaultLock = props.vaultLock;
    this._objectLock = props.objectLock;
    this._manifestAuthentication = authentication;
    this.vault = vault;
    this.ownVault = vault;
    this.replicaBucket = bucket;
    this.failureTopic = topic;
    this.vpc = network.vpc;
    this.checkSecurityGroup = network.check;
    this.drillRole = drill;
    this.forBoot = { network, accessPoint, check, drillRole: drill, reap, removalPolicy };
    this.hasOwnVpc = props.vpc === undefined;
    this.drillFunction = alias;
  }

  /**
   * Adds a check of your own: each drill calls the function after the built-in checks, while what was restored still runs.
   * It is called with `{ drillId, deployment, databases }`, where each database has its `host`, `port`, `datasources` and the
   * `secretArn` of its credentials, and must answer `{ status, reason }`: PASSED, WARNING or FAILED, and a sentence for
   * the report. One that throws, exceeds its time-out or answers anything else counts as FAILED.
   *
   * To reach the restored databases the function must be in `vpc` and in `checkSecurityGroup`. It is allowed to read the
   * credentials of the deployments of this site, and the drill to call it.
   *
   * @param name stands in the report: lower-case letters, digits and hyphens, at most 40; unique at the site
   * @param handler a function in the DR Region, not a durable one
   */
  public addCheck(name: string, handler: lambda.IFunction): void {
    requireName(this, 'name', name, MAX_CHECK_NAME_LENGTH);
    if (this.ownChecks.has(name)) {
      throw invalid(
        this,
        `\`name\` of a check must be unique at its site, got '${name}' twice: name one of them differently`,
      );
    }
    this.ownChecks.set(name, handler);
    handler.grantInvoke(this.drillRole);
    handler.addToRolePolicy(mayReadTaggedSecrets(this, this.siteName));
  }

  /**
   * Has each drill boot a copy of Identity Server on what it restored, after the other checks: with an ECS task in the
   * isolated network, and a `deployment.toml` that names the restored databases alone, no cluster, no mail server, and nobody
   * else. The copy must answer its health endpoint (`boot-health`) and issue a token (`boot-token`); then it is stopped.
   *
   * It adds three interface endpoints (ECR's two, CloudWatch Logs) to the network of the site, which cost by the hour.
   *
   * @throws if it is called twice, or the site is in a VPC of yours, where nothing here can keep the copy from production
   */
  public addBoot(options: BootOptions): void {
    if (!this.hasOwnVpc) {
      throw invalid(
        this,
        '`addBoot` must find the own, isolated network of the site, got `vpc`: take `vpc` out, or check with `addCheck`',
      );
    }
    if (this.booted !== undefined) {
      throw invalid(
        this,
        '`addBoot` must be called once, got it twice: one image stands for every deployment of a site',
      );
    }
    this.booted = boot(this, options, this.forBoot);
  }

  /**
   * Age of the newest state that a component can be restored to at this site, in seconds: of a recovery point in the vault, of a
   * complete export in the replica bucket, of what RDS or EFS replicates. Where there is nothing, the time since the first
   * recovery plan of the deployment arrived. Put in this Region, every minute or every five; there is an alarm over it.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param component name of a database or a volume
   * @param options default: the maximum of five minutes
   */
  public metricRecoveryPointAge(
    deploymentName: string,
    component: string,
    options: cloudwatch.MetricOptions = {},
  ): cloudwatch.Metric {
    return recoveryPointAge(deploymentName, 'dr-site', component, options);
  }

  /**
   * Whether the drill passed, a count: 1, also with warnings, or 0: FAILED. Put at the end of each drill. For "no drill left a
   * verdict" there is an alarm of its own: CloudWatch looks back no further than seven days.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param options default: the minimum of five minutes
   */
  public metricDrillPassed(deploymentName: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.passed, deploymentName, { statistic: 'Minimum', ...options });
  }

  /**
   * How long a drill took, clean-up included, in seconds. Put at the end of each drill.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param options default: the maximum of five minutes
   */
  public metricDrillDuration(deploymentName: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.duration, deploymentName, options);
  }

  /**
   * The loss that a drill measured: from the oldest moment restored to the start of the drill, in seconds. Put at the end of
   * each drill that measured one.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param options default: the maximum of five minutes
   */
  public metricMeasuredRpo(deploymentName: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.rpo, deploymentName, options);
  }

  /**
   * The recovery time that a drill measured: from its start to the end of the last check, in seconds. Put at the end of each
   * drill that measured one.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param options default: the maximum of five minutes
   */
  public metricMeasuredRto(deploymentName: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.rto, deploymentName, options);
  }

  /**
   * The loss of one component that a drill measured, in seconds. Put at the end of each drill that restored it.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param component name of a database or a volume
   * @param options default: the maximum of five minutes
   */
  public metricComponentRpo(
    deploymentName: string,
    component: string,
    options: cloudwatch.MetricOptions = {},
  ): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.rpo, deploymentName, options, component);
  }

  /**
   * From the start of a drill until one component could be used, in seconds. Put at the end of each drill that restored it.
   *
   * @param deploymentName `deploymentName` of the `IdentityServerRecovery`
   * @param component name of a database or a volume
   * @param options default: the maximum of five minutes
   */
  public metricComponentRto(
    deploymentName: string,
    component: string,
    options: cloudwatch.MetricOptions = {},
  ): cloudwatch.Metric {
    return drillMetric(DRILL_METRICS.rto, deploymentName, options, component);
  }

  /**
   * Makes a deployment known to the site. Only plain strings come in: the site's stack depends on no other.
   * @internal
   */
  public _register(watched: WatchedDeployment, drillSchedule: events.Schedule | undefined): void {
    const { deployment } = watched;
    if (this.deployments.has(deployment)) {
      throw invalid(
        this,
        `\`deploymentName\` must be unique at its DR site, got '${deployment}' twice: name one of them differently`,
      );
    }
    this.deployments.add(deployment);
    this.pointWatch.add(watched);
    this.dashboard?.add({ ...watched, drills: true, drillsWatched: isWatched(drillSchedule), exported: [] });
    if (!drillSchedule) return;
    this.watch.add(deployment, drillSchedule);
    scheduleDrills(this, `DrillSchedule-${deployment}`, {
      deployment,
      schedule: drillSchedule,
      drill: this.drillFunction,
    });
  }

  /**
   * Lets another account copy into the vault, and write what it replicates of a deployment into the bucket: nothing else, and it
   * can take away, lock or shorten nothing. By names alone, as {@link _register}.
   * @internal
   */
  public _admit(account: string, deployment: string): void {
    const principals = [new iam.AccountPrincipal(account)];
    if (!this.admitted.has(account)) {
      this.admitted.add(account);
      this.ownVault.addToAccessPolicy(
        new iam.PolicyStatement({
          sid: `CopiesFrom${account}`,
          principals,
          actions: ['backup:CopyIntoBackupVault'],
          resources: ['*'],
        }),
      );
      this.replicaBucket.addToResourcePolicy(
        new iam.PolicyStatement({
          sid: `SeesVersioning${account}`,
          principals,
          actions: ['s3:GetBucketVersioning'],
          resources: [this.replicaBucket.bucketArn],
        }),
      );
    }
    this.replicaBucket.addToResourcePolicy(
      new iam.PolicyStatement({
        // S3 takes letters and digits, each once: names have no upper case.
        sid: `Replicates${deployment.replaceAll('-', 'X')}From${account}`,
        principals,
        actions: ['s3:ReplicateObject', 's3:ReplicateTags'],
        resources: replicatedKeys(deployment).map((keys) => this.replicaBucket.arnForObjects(keys)),
      }),
    );
  }

  private ownCheckArns(): string | undefined {
    if (this.ownChecks.size === 0) return undefined;
    const arns = [...this.ownChecks].map(([name, { functionArn }]) => [name, functionArn] as const);
    return Stack.of(this).toJsonString(Object.fromEntries(arns));
  }

  private concreteRegion(): string {
    const { region } = Stack.of(this);
    if (Token.isUnresolved(region)) {
      throw invalid(
        this,
        "`env.region` of the site's stack must be a Region's name, got none: write " +
          "new Stack(app, 'Site', { env: { region: 'eu-west-1' } })",
      );
    }
    return region;
  }
}

/** Long enough for a sentence's worth of words, short enough for a line of the report. */
const MAX_CHECK_NAME_LENGTH = 40;
