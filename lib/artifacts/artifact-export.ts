import type { RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { notifyOfFunction } from '../notifications/failure-topic';
import { archivePrefix } from '../private/bucket-layout';
import { recoveryFunction } from '../private/recovery-function';
import type { Volume } from '../volumes/volume';

/** Where the function sees the volume. */
const MOUNT_PATH = '/mnt/volume';

export interface ArtifactExportOptions {
  readonly deployment: string;
  readonly volume: Volume;
  readonly bucket: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** `cron(...)` as the planner says. */
  readonly scheduleExpression: string;
  readonly removalPolicy: RemovalPolicy;
}

/** Exports the artifacts of one volume on a schedule. */
export function artifactExport(scope: Construct, id: string, options: ArtifactExportOptions): lambda.Function {
  const { deployment, volume, bucket } = options;
  const securityGroup = new ec2.SecurityGroup(scope, `${id}SecurityGroup`, {
    vpc: options.vpc,
    description: 'Artifact export: S3 and the volume',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'S3');
  const fn = recoveryFunction(scope, id, {
    bundle: 'export',
    description: `Exports ${volume.mountedAt} of ${deployment} to S3`,
    removalPolicy: options.removalPolicy,
    vpc: options.vpc,
    vpcSubnets: options.vpcSubnets,
    securityGroups: [securityGroup],
    filesystem: lambda.FileSystem.fromEfsAccessPoint(volume.accessPoint, MOUNT_PATH),
    environment: {
      BUCKET: bucket.bucketName,
      DEPLOYMENT: deployment,
      VOLUME: volume.name,
      MOUNTED_AT: volume.mountedAt,
      MOUNT_PATH,
    },
  });
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
      resources: [bucket.arnForObjects(`${archivePrefix(deployment, volume.name)}*`)],
    }),
  );
  fn.addToRolePolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  // The next export comes soon and makes up for a failed one; one retry is for a moment's trouble.
  notifyOfFunction(fn, options.topic, 1);
  new events.Rule(scope, `${id}Schedule`, {
    description: `Exports of ${volume.mountedAt} of ${deployment}`,
    schedule: events.Schedule.expression(options.scheduleExpression),
    targets: [new LambdaFunction(fn)],
  });
  return fn;
}
