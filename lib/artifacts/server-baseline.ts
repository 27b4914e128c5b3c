import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as efs from 'aws-cdk-lib/aws-efs';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct, IDependable } from 'constructs';
import { notifyOfFunction } from '../notifications/failure-topic';
import { baselinesPrefix, PRODUCT_VERSION } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import { recoveryFunction } from '../private/recovery-function';

/** The entire server directory, where a volume holds it. */
export interface BaselineOptions {
  /**
   * Shows `<IS_HOME>`, with `bin` and `repository` in it, at its root. Of the file system of a volume of the deployment, or of
   * another one in the same network. Files are read as the POSIX user that it enforces.
   */
  readonly serverDirectory: efs.IAccessPoint;

  /**
   * Product version, such as `7.1.0`: the name of the baseline.
   *
   * @default - as `README.txt` in the server directory says
   */
  readonly productVersion?: string;
}

/** What the deployment has already. */
export interface BaselineSurroundings {
  readonly deploymentName: string;
  readonly bucket: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly removalPolicy: RemovalPolicy;
  /** S3 replicates nothing that was there before it. */
  readonly replication: IDependable;
}

/** Where the function sees the server directory. */
const MOUNT_PATH = '/mnt/server';

/** After the first deployment: for a volume that was empty then, and for a new product version. */
const LOOK_INTERVAL = Duration.days(1);

/**
 * Keeps the entire server directory in the artifact bucket, once for each product version: called by the first deployment and
 * once a day. It is called and not waited for, so that a deployment fails neither by an empty volume nor by a large one.
 *
 * @returns the function
 */
export function serverBaseline(
  scope: Construct,
  { serverDirectory, productVersion }: BaselineOptions,
  { deploymentName, bucket, topic, vpc, vpcSubnets, removalPolicy, replication }: BaselineSurroundings,
): lambda.Function {
  if (productVersion !== undefined && !PRODUCT_VERSION.test(productVersion)) {
    throw invalid(
      scope,
      `\`baseline.productVersion\` must be letters, digits, dots, hyphens and underscores, 64 at most, got '${productVersion}': write it like 7.1.0`,
    );
  }
  const securityGroup = new ec2.SecurityGroup(scope, 'BaselineSecurityGroup', {
    vpc,
    description: 'Baseline: S3 and the server directory',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'S3');
  const fn = recoveryFunction(scope, 'Baseline', {
    bundle: 'baseline',
    description: `Keeps the server directory of ${deploymentName}, once for each product version`,
    removalPolicy,
    vpc,
    vpcSubnets,
    securityGroups: [securityGroup],
    filesystem: lambda.FileSystem.fromEfsAccessPoint(serverDirectory, MOUNT_PATH),
    environment: {
      BUCKET: bucket.bucketName,
      DEPLOYMENT: deploymentName,
      MOUNT_PATH,
      ...(productVersion !== undefined && { PRODUCT_VERSION: productVersion }),
    },
  });
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention'],
      resources: [bucket.arnForObjects(`${baselinesPrefix(deploymentName)}*`)],
    }),
  );
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:ListBucket', 's3:GetBucketObjectLockConfiguration'],
      resources: [bucket.bucketArn],
    }),
  );
  notifyOfFunction(fn, topic, 1);
  const first = new AwsCustomResource(scope, 'FirstBaseline', {
    resourceType: 'Custom::FirstBaseline',
    installLatestAwsSdk: false,
    onCreate: {
      service: 'Lambda',
      action: 'invoke',
      parameters: { FunctionName: fn.functionName, InvocationType: 'Event' },
      physicalResourceId: PhysicalResourceId.of(`${deploymentName}-first-baseline`),
      outputPaths: ['StatusCode'],
    },
    policy: AwsCustomResourcePolicy.fromStatements([
      new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [fn.functionArn] }),
    ]),
  });
  first.node.addDependency(fn, bucket, replication);
  new events.Rule(scope, 'BaselineSchedule', {
    description: `Baseline of ${deploymentName}, where a product version has none`,
    schedule: events.Schedule.rate(LOOK_INTERVAL),
    targets: [new LambdaFunction(fn)],
  });
  return fn;
}
