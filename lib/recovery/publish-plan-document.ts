import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct, IDependable } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import type { DeploymentToml } from '../deployment/deployment-toml';
import type { RecoveryObjectives } from '../objectives/recovery-objectives';
import {
  PLAN_DOCUMENT_FORMAT_VERSION,
  type DatasourceEntry,
  type NamedResources,
  type RecoveryPlanDocument,
} from '../planning/plan-document';
import type { PlanResult } from '../planning/plan-types';
import { planDocumentKey, runbookKey } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import { runbook } from '../runbook/runbook';
import type { RecoverySite } from '../site/recovery-site';
import type { Volume } from '../volumes/volume';

export interface PlanDocumentOptions {
  readonly deploymentName: string;
  readonly deployment: DeploymentToml;
  readonly databases: readonly ProtectedDatabase[];
  readonly volumes: readonly Volume[];
  readonly objectives: RecoveryObjectives;
  readonly site: RecoverySite;
  /** Name of the bucket at the site. */
  readonly replicaBucket: string;
  readonly planned: PlanResult;
  /** By database. */
  readonly datasources: ReadonlyMap<string, readonly DatasourceEntry[]>;
  readonly resources: NamedResources;
}

/**
 * Writes what the drill has to know into the bucket, and the runbook for people beside it. Both are read from the replica, since
 * the primary Region may be gone; so they are written after `replication` is there: S3 does not replicate what was there before.
 */
export function publishPlanDocument(
  scope: Construct,
  bucket: s3.IBucket,
  replication: readonly IDependable[],
  options: PlanDocumentOptions,
): void {
  const { deploymentName } = options;
  const document = planDocument(scope, options);
  const objects = [
    {
      id: 'PlanDocument',
      resourceType: 'Custom::RecoveryPlanDocument',
      Key: planDocumentKey(deploymentName),
      Body: Stack.of(scope).toJsonString(document),
      ContentType: 'application/json',
    },
    {
      id: 'Runbook',
      resourceType: 'Custom::RecoveryRunbook',
      Key: runbookKey(deploymentName),
      Body: runbook(document, options.replicaBucket),
      ContentType: 'text/markdown; charset=utf-8',
    },
  ];
  for (const { id, resourceType, ...object } of objects) {
    const resource = new AwsCustomResource(scope, id, {
      resourceType,
      installLatestAwsSdk: false,
      onUpdate: {
        service: 'S3',
        action: 'putObject',
        parameters: { Bucket: bucket.bucketName, ...object },
        physicalResourceId: PhysicalResourceId.of(object.Key),
        // The answer is not needed, and must not outgrow CloudFormation's 4 KB.
        outputPaths: ['ETag'],
      },
      policy: AwsCustomResourcePolicy.fromStatements([
        new iam.PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects(object.Key)] }),
      ]),
    });
    resource.node.addDependency(bucket, ...replication);
  }
}

const planDocument = (
  scope: Construct,
  {
    deploymentName,
    deployment,
    databases,
    volumes,
    objectives,
    site,
    planned,
    datasources,
    resources,
  }: PlanDocumentOptions,
): RecoveryPlanDocument => ({
  formatVersion: PLAN_DOCUMENT_FORMAT_VERSION,
  deployment: deploymentName,
  primaryRegion: Stack.of(scope).region,
  drRegion: site.region,
  objectives: objectives._toSeconds(),
  databases: databases.map(({ name, _kind, _arn, _restoredServer, _drSiteSecretArn, credentials }) => ({
    name,
    kind: _kind,
    resourceArn: _arn,
    secretArn: completeArn(scope, name, credentials.secretFullArn),
    ...(_drSiteSecretArn === undefined ? {} : { drSiteSecretArn: _drSiteSecretArn }),
    ..._restoredServer,
    datasources: datasources.get(name) ?? [],
  })),
  volumes: volumes.map((volume) => ({
    name: volume.name,
    mountedAt: volume.mountedAt,
    fileSystemArn: volume._fileSystemArn(scope),
    ...(volume._path === undefined ? {} : { path: volume._path }),
  })),
  restoreDependencies: deployment._restoreDependencies,
  plan: planned.lines,
  recoveryTimes: planned.recoveryTimes,
  resources,
});

function completeArn(scope: Construct, database: string, secretArn: string | undefined): string {
  if (secretArn !== undefined) return secretArn;
  throw invalid(
    scope,
    `\`credentials\` of ${database} must be known by its complete ARN, got a partial one: ` +
      'the replica in the DR Region has the same suffix; import it by Secret.fromSecretCompleteArn',
  );
}
