import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import type { DeploymentToml } from '../deployment/deployment-toml';
import { notifyOfFunction } from '../notifications/failure-topic';
import type { DatasourceEntry } from '../planning/plan-document';
import { countsPrefix } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import { recoveryFunction } from '../private/recovery-function';

/** Counts of rows in production. */
export interface RowCountOptions {
  /**
   * How far counts are apart. Counting reads the tables once, so it costs a busy server something; the nearer a count to
   * the moment that a drill restores, the more it proves. Five minutes to twelve hours.
   *
   * @default Duration.hours(1)
   */
  readonly interval?: Duration;
}

interface CountedDeployment {
  readonly deploymentName: string;
  readonly deployment: DeploymentToml;
  readonly databases: readonly ProtectedDatabase[];
  readonly datasources: ReadonlyMap<string, readonly DatasourceEntry[]>;
  readonly bucket: s3.IBucket;
  readonly topic: sns.ITopic;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly removalPolicy: RemovalPolicy;
}

/** The drill uses no note that is further than a day from its moment, and wants two before it. */
const LONGEST_INTERVAL = Duration.hours(12);
const SHORTEST_INTERVAL = Duration.minutes(5);

/** @returns the security group of the function that counts */
export function countRows(
  scope: Construct,
  { interval = Duration.hours(1) }: RowCountOptions,
  counted: CountedDeployment,
): ec2.ISecurityGroup {
  const { deploymentName, databases, bucket, topic, vpc, vpcSubnets, removalPolicy } = counted;
  const seconds = interval.toSeconds();
  if (seconds < SHORTEST_INTERVAL.toSeconds() || seconds > LONGEST_INTERVAL.toSeconds() || seconds % 60 !== 0) {
    throw invalid(
      scope,
      `\`rowCounts.interval\` must be whole minutes from 5 minutes to 12 hours, got ${interval.toHumanString()}: ` +
        'a note that is far from the moment restored proves nothing',
    );
  }
  const securityGroup = new ec2.SecurityGroup(scope, 'RowCountSecurityGroup', {
    vpc,
    description: 'Counts of rows: AWS APIs and the databases',
    // The ports of the databases are those of deployment.toml, on hosts that may be known at deploy time only.
    allowAllOutbound: true,
  });
  const fn = recoveryFunction(scope, 'RowCount', {
    bundle: 'count',
    description: `Counts the rows of ${deploymentName}, for drills to compare with`,
    removalPolicy,
    vpc,
    vpcSubnets,
    securityGroups: [securityGroup],
    environment: { BUCKET: bucket.bucketName },
  });
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`${countsPrefix(deploymentName)}*`)],
    }),
  );
  for (const database of databases) {
    database.credentials.grantRead(fn);
    database._allowFrom(securityGroup);
  }
  notifyOfFunction(fn, topic, 1);
  new events.Rule(scope, 'RowCountSchedule', {
    description: `Counts of rows of ${deploymentName}`,
    schedule: events.Schedule.rate(interval),
    targets: [
      new LambdaFunction(fn, {
        event: events.RuleTargetInput.fromObject({
          deployment: deploymentName,
          databases: databases.map((database) => countedDatabase(scope, database, counted)),
        }),
      }),
    ],
  });
  return securityGroup;
}

/** Where IS itself reaches it, as far as `deployment.toml` says. */
function countedDatabase(
  scope: Construct,
  { name, hostnames, credentials }: ProtectedDatabase,
  { deployment, datasources }: CountedDeployment,
) {
  const entries = datasources.get(name) ?? [];
  const declared = deployment.databases.find(({ datasource }) =>
    entries.some((entry) => entry.datasource === datasource),
  );
  const [host] = hostnames;
  if (host === undefined) {
    throw invalid(
      scope,
      `\`hostnames\` of database ${name} must hold its endpoint where \`rowCounts\` is given, got none: ` +
        'the function that counts connects to it',
    );
  }
  const port = declared?.port;
  if (port === undefined) {
    throw invalid(
      scope,
      `the port of database ${name} must be in deployment.toml where \`rowCounts\` is given, got none: ` +
        'give what its references stand for by `resolve`',
    );
  }
  return { name, host, port, secretArn: credentials.secretArn, datasources: entries };
}
