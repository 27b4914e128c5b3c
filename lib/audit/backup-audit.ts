import { RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as backup from 'aws-cdk-lib/aws-backup';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import type { DatabaseKind } from '../planning/plan-document';
import type { PlanResult } from '../planning/plan-types';
import { invalid } from '../private/errors';
import type { DeletionProtectionOptions } from '../protection/deletion-protection';
import { lockMinDays, type VaultLockOptions } from '../protection/vault-lock';
import type { DeployedBackup } from '../vaults/component-backup';
import {
  auditFrameworks,
  type AuditControl,
  type AuditedComponent,
  type AuditedType,
  MAX_AUDITED_ROLES,
} from './audit-controls';

/**
 * AWS Backup Audit Manager: AWS itself holds what is deployed, and what is in the vault, to the plan.
 *
 * Needs AWS Config to record in the Region (resource compliance, and AWS Backup's plans, selections, vaults and recovery points);
 * nothing here turns it on. AWS charges each evaluation of a control for each resource, most of them once a day, and AWS Config each
 * configuration item that it records.
 */
export interface BackupAuditOptions {
  /**
   * Tag that the databases and volumes of this deployment carry: the controls over resources look at those alone.
   *
   * @default - at every resource of the same types in the Region, those of others included
   */
  readonly resourceTag?: AuditResourceTag;

  /**
   * Whether the time of restores is held to the RTO in the Region: where a restore testing plan restores there.
   *
   * @default false
   */
  readonly restoreTime?: boolean;

  /**
   * Daily reports (compliance of resources and of controls, backup jobs, copy jobs) in CSV and JSON, in a bucket of their own.
   * Costs what S3 costs.
   *
   * @default false
   */
  readonly reports?: boolean;
}

/** A tag by its key and value. */
export interface AuditResourceTag {
  /** Its key. */
  readonly key: string;
  /** Its value. */
  readonly value: string;
}

/** What is audited. */
export interface BackupAuditProps {
  readonly deploymentName: string;
  readonly planned: PlanResult;
  readonly databases: readonly ProtectedDatabase[];
  readonly backups: readonly DeployedBackup[];
  readonly vaultName: string;
  readonly vaultLock?: VaultLockOptions;
  readonly deletionProtection?: DeletionProtectionOptions;
  readonly drRegion: string;
  readonly drAccount?: string;
  readonly rtoSeconds: number;
  readonly removalPolicy: RemovalPolicy;
}

/** Makes a framework for each type of resources and one for the vault, and the report plans where they are asked for. */
export function backupAudit(parent: Construct, options: BackupAuditOptions, props: BackupAuditProps): void {
  const scope = new Construct(parent, 'BackupAudit');
  const { deploymentName, planned, databases, vaultLock, deletionProtection } = props;
  const roles = deletionProtection?.breakGlassRoleArns;
  if (roles && roles.length > MAX_AUDITED_ROLES) {
    throw invalid(
      parent,
      `\`deletionProtection.breakGlassRoleArns\` must be at most ${MAX_AUDITED_ROLES} with \`audit\`, got ${roles.length}: ` +
        'AWS Backup Audit Manager takes no more; take roles out, or leave `audit` out',
    );
  }
  const planTag = (type: AuditedType) => ({ key: PLAN_TAG, value: `${deploymentName}-${type}` });
  const components: (AuditedComponent & { readonly name: string })[] = [
    ...planned.databases.map(({ name, rules }) => ({
      name,
      rules,
      type: AUDITED_TYPES[databases.find((database) => database.name === name)!._kind],
    })),
    ...planned.volumes.map(({ name, rules }) => ({ name, rules, type: 'EFS' as const })),
  ];
  for (const { name, type } of components) {
    // The first plan of a component is that of its snapshots; a continuous one is held to no frequency.
    const { plan } = props.backups.find(({ component }) => component === name)!;
    const { key, value } = planTag(type);
    Tags.of(plan).add(key, value, { includeResourceTypes: ['AWS::Backup::BackupPlan'] });
  }
  const frameworks = auditFrameworks({
    components,
    vaultName: props.vaultName,
    vaultLock: vaultLock && { minDays: lockMinDays(vaultLock), maxDays: vaultLock.maxRetention?.toDays() },
    breakGlassRoleArns: roles,
    drRegion: props.drRegion,
    drAccount: props.drAccount,
    maxRestoreMinutes: options.restoreTime ? props.rtoSeconds / SECONDS_A_MINUTE : undefined,
    resourceTag: options.resourceTag,
    planTag,
  }).map(
    ({ subject, controls }) =>
      new backup.CfnFramework(scope, `Framework-${subject}`, {
        frameworkName: auditName(deploymentName, subject),
        frameworkDescription: `What was planned for the backups of ${deploymentName}: ${subject}`,
        frameworkControls: controls.map(asFrameworkControl),
      }),
  );
  if (options.reports) reports(scope, props, frameworks);
}

const PLAN_TAG = 'wso2is-recovery:audit';
const SECONDS_A_MINUTE = 60;

/** A Multi-AZ DB cluster is RDS to AWS Backup. */
const AUDITED_TYPES: Readonly<Record<DatabaseKind, AuditedType>> = {
  'rds-instance': 'RDS',
  'multi-az-cluster': 'RDS',
  'aurora-cluster': 'Aurora',
};

/** AWS Backup takes letters, digits and underscores. */
const auditName = (deploymentName: string, subject: string) =>
  `wso2is_recovery_${deploymentName}_${subject}`.replaceAll('-', '_');

function asFrameworkControl({ name, parameters, scope }: AuditControl): backup.CfnFramework.FrameworkControlProperty {
  return {
    controlName: name,
    ...(parameters && {
      controlInputParameters: Object.entries(parameters).map(([parameterName, parameterValue]) => ({
        parameterName,
        parameterValue,
      })),
    }),
    ...(scope && {
      // JSON to the CDK, so it is spelled as CloudFormation does.
      controlScope: {
        ...(scope.types && { ComplianceResourceTypes: [...scope.types] }),
        ...(scope.ids && { ComplianceResourceIds: [...scope.ids] }),
        ...(scope.tag && { Tags: [{ Key: scope.tag.key, Value: scope.tag.value }] }),
      },
    }),
  };
}

function reports(scope: Construct, props: BackupAuditProps, frameworks: readonly backup.CfnFramework[]): void {
  const bucket = new s3.Bucket(scope, 'Reports', {
    versioned: true,
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    removalPolicy: props.removalPolicy,
  });
  // By its ARN in a condition: as the principal, S3 would refuse a role that AWS makes with the first report only.
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'ReportsOfAwsBackup',
      principals: [new iam.AccountRootPrincipal()],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('*')],
      conditions: {
        ArnEquals: {
          'aws:PrincipalArn': Stack.of(scope).formatArn({
            service: 'iam',
            region: '',
            resource: 'role',
            resourceName: 'aws-service-role/reports.backup.amazonaws.com/AWSServiceRoleForBackupReports',
          }),
        },
        StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' },
      },
    }),
  );
  for (const [template, isOfFrameworks] of REPORTS) {
    const plan = new backup.CfnReportPlan(scope, `ReportPlan-${template}`, {
      reportPlanName: auditName(props.deploymentName, template),
      // JSON to the CDK, as is the setting.
      reportDeliveryChannel: { S3BucketName: bucket.bucketName, Formats: ['CSV', 'JSON'] },
      reportSetting: {
        ReportTemplate: template,
        ...(isOfFrameworks && { FrameworkArns: frameworks.map(({ attrFrameworkArn }) => attrFrameworkArn) }),
      },
    });
    plan.node.addDependency(bucket);
  }
}

/** Templates of reports, and whether each is of frameworks or of jobs. */
const REPORTS: readonly (readonly [template: string, isOfFrameworks: boolean])[] = [
  ['RESOURCE_COMPLIANCE_REPORT', true],
  ['CONTROL_COMPLIANCE_REPORT', true],
  ['BACKUP_JOB_REPORT', false],
  ['COPY_JOB_REPORT', false],
];
