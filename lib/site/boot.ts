/**
 * A copy of Identity Server that drills boot on what they restored: an ECS task in the isolated network, which reaches the
 * restored databases, the restore volume (read-only), and what Fargate itself needs to start it.
 */
import { ArnFormat, Duration, type RemovalPolicy, Size, SizeRoundingBehavior, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as efs from 'aws-cdk-lib/aws-efs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { BOOT_CONTAINER, BOOT_FOLDER } from '../private/boot-names';
import { DRILL_TAG } from '../private/bucket-layout';
import { invalid } from '../private/errors';
import type { SiteNetwork } from './site-network';

/** Options of `RecoverySite.addBoot`. */
export interface BootOptions {
  /**
   * Your image of Identity Server, of production's version and with its libraries, from an ECR repository in the DR Region:
   * the isolated network reaches no other registry. `WSO2_SERVER_HOME` must name `<IS_HOME>` in it, as in WSO2's images.
   */
  readonly image: ecs.ContainerImage;
  /** CPU units: 1024 are one vCPU. @default 2048 - WSO2's minimum for Identity Server is two cores */
  readonly cpu?: number;
  /** @default Size.gibibytes(4) */
  readonly memory?: Size;
  /** Answers 200 when the server is well. @default '/api/health-check/v1.0/health' */
  readonly healthPath?: string;
  /**
   * A secret with JSON `{ "clientId": "...", "clientSecret": "..." }` of an OAuth client that may use the grant type
   * `client_credentials`: the copy must issue it a token.
   *
   * @default - no token is asked for
   */
  readonly tokenClient?: secretsmanager.ISecret;
  /** How long the server may take from the start of its container until it is healthy: 1 to 13 minutes. @default Duration.minutes(10) */
  readonly timeout?: Duration;
  /** Values of `$env{}` of `deployment.toml`; not secrets. Where the database is they need not say. @default - none */
  readonly environment?: { [name: string]: string };
}

export interface BootSurroundings {
  readonly network: SiteNetwork;
  readonly accessPoint: efs.IAccessPoint;
  readonly check: lambda.IFunction;
  readonly drillRole: iam.IGrantable;
  /** The function that stops what dead drills left. */
  readonly reap: lambda.Function;
  readonly removalPolicy: RemovalPolicy;
}

/** Lambda ends the check function, which waits for the server, after 15 minutes. */
const MAX_TIMEOUT = Duration.minutes(13);
const RESTORED = '/mnt/restored';
/** WSO2's minimum for Identity Server. */
const CPU = 2048;
const MEMORY = Size.gibibytes(4);

/** Copied, since the server writes into its home, and what was restored is for the checks. */
const START = [
  'set -e',
  'cp -R "$RESTORED/$DRILL_ID/." "$WSO2_SERVER_HOME/"',
  `cp "$RESTORED/$DRILL_ID/${BOOT_FOLDER}/deployment.toml" "$WSO2_SERVER_HOME/repository/conf/deployment.toml"`,
  'exec sh "$WSO2_SERVER_HOME/bin/wso2server.sh"',
].join('\n');

/** @returns what the drill must know of it: JSON */
export function boot(scope: Construct, options: BootOptions, surroundings: BootSurroundings): string {
  const { network, accessPoint, check, drillRole, reap, removalPolicy } = surroundings;
  const timeout = options.timeout ?? Duration.minutes(10);
  if (timeout.toSeconds() < 60 || timeout.toSeconds() > MAX_TIMEOUT.toSeconds()) {
    throw invalid(scope, `\`timeout\` must be 1 to 13 minutes, got ${timeout.toHumanString()}: choose one in between`);
  }
  const healthPath = options.healthPath ?? '/api/health-check/v1.0/health';
  if (!/^\/[\x21-\x7e]*$/.test(healthPath)) {
    throw invalid(scope, `\`healthPath\` must be a path, got '${healthPath}': write it with a / before it`);
  }
  const within = new Construct(scope, 'Boot');
  const { group, subnet } = bootNetwork(within, network);
  const cluster = new ecs.Cluster(within, 'Cluster', { vpc: network.vpc });
  const definition = taskDefinition(within, options, accessPoint, removalPolicy);
  options.tokenClient?.grantRead(check);
  const { running, stopping } = permissions(within, cluster, definition);
  reap.addEnvironment('BOOT_CLUSTER', cluster.clusterName);
  for (const statement of stopping) reap.addToRolePolicy(statement);
  for (const statement of [...running, ...stopping]) {
    drillRole.grantPrincipal.addToPrincipalPolicy(statement);
  }
  return Stack.of(scope).toJsonString({
    cluster: cluster.clusterName,
    taskDefinition: definition.taskDefinitionArn,
    subnets: [subnet.subnetId],
    securityGroup: group.securityGroupId,
    healthPath,
    timeoutSeconds: timeout.toSeconds(),
    vcpus: (options.cpu ?? CPU) / 1024,
    memoryGib: (options.memory ?? MEMORY).toGibibytes({ rounding: SizeRoundingBehavior.NONE }),
    ...(options.tokenClient === undefined ? {} : { tokenSecretArn: options.tokenClient.secretArn }),
  });
}

/** One subnet, since each endpoint costs in each Availability Zone that it is in. */
function bootNetwork(scope: Construct, { vpc, subnets, check, database, volume }: SiteNetwork) {
  const [subnet] = vpc.selectSubnets(subnets).subnets;
  const securityGroup = (id: string, description: string) =>
    new ec2.SecurityGroup(scope, id, { vpc, description, allowAllOutbound: false });
  const group = securityGroup('SecurityGroup', 'Booted copy: restored databases, restore volume, ECR and logs');
  const endpoint = securityGroup('EndpointSecurityGroup', 'Endpoints of ECR and logs: reachable by the booted copy');
  group.connections.allowTo(database, ec2.Port.allTcp(), 'Restored databases');
  group.connections.allowTo(volume, ec2.Port.tcp(2049), 'Restore volume');
  group.connections.allowTo(endpoint, ec2.Port.tcp(443), 'Image and logs');
  // Layers of an image are in S3, whose gateway endpoint keeps its public addresses; nothing else leads there.
  group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'Layers of the image through the S3 endpoint');
  // 9443 and an offset.
  check.connections.allowTo(group, ec2.Port.tcpRange(9443, 65_535), 'Health and token of the booted copy');
  const services = {
    EcrApiEndpoint: ec2.InterfaceVpcEndpointAwsService.ECR,
    EcrEndpoint: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    LogsEndpoint: ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  };
  for (const [id, service] of Object.entries(services)) {
    new ec2.InterfaceVpcEndpoint(scope, id, {
      vpc,
      service,
      subnets: { subnets: [subnet] },
      securityGroups: [endpoint],
      open: false,
    });
  }
  return { group, subnet };
}

function taskDefinition(
  scope: Construct,
  { image, cpu = CPU, memory = MEMORY, environment = {} }: BootOptions,
  accessPoint: efs.IAccessPoint,
  removalPolicy: RemovalPolicy,
): ecs.FargateTaskDefinition {
  const definition = new ecs.FargateTaskDefinition(scope, 'Task', { cpu, memoryLimitMiB: memory.toMebibytes() });
  definition.addVolume({
    name: 'restored',
    efsVolumeConfiguration: {
      fileSystemId: accessPoint.fileSystem.fileSystemId,
      transitEncryption: 'ENABLED',
      authorizationConfig: { accessPointId: accessPoint.accessPointId, iam: 'ENABLED' },
    },
  });
  const container = definition.addContainer(BOOT_CONTAINER, {
    image,
    entryPoint: ['/bin/sh', '-c'],
    command: [START],
    environment: { ...environment, RESTORED },
    logging: ecs.LogDrivers.awsLogs({
      streamPrefix: 'boot',
      logGroup: new logs.LogGroup(scope, 'Logs', { retention: logs.RetentionDays.ONE_YEAR, removalPolicy }),
    }),
  });
  container.addMountPoints({ sourceVolume: 'restored', containerPath: RESTORED, readOnly: true });
  // All that the copy may do at AWS: see the restored files.
  definition.addToTaskRolePolicy(
    new iam.PolicyStatement({
      actions: ['elasticfilesystem:ClientMount'],
      resources: [accessPoint.fileSystem.fileSystemArn],
      conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': accessPoint.accessPointArn } },
    }),
  );
  return definition;
}

function permissions(
  scope: Construct,
  cluster: ecs.Cluster,
  definition: ecs.FargateTaskDefinition,
): { readonly running: readonly iam.PolicyStatement[]; readonly stopping: readonly iam.PolicyStatement[] } {
  const tasks = Stack.of(scope).formatArn({
    service: 'ecs',
    resource: 'task',
    resourceName: `${cluster.clusterName}/*`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  const inCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  const tagged = { Null: { [`aws:ResourceTag/${DRILL_TAG}`]: 'false' } };
  const running = [
    new iam.PolicyStatement({
      sid: 'BootCopy',
      actions: ['ecs:RunTask'],
      resources: [definition.taskDefinitionArn],
      conditions: { ...inCluster, Null: { [`aws:RequestTag/${DRILL_TAG}`]: 'false' } },
    }),
    new iam.PolicyStatement({
      sid: 'TagBootedCopy',
      actions: ['ecs:TagResource'],
      resources: [tasks],
      conditions: {
        StringEquals: { 'ecs:CreateAction': 'RunTask' },
        'ForAllValues:StringEquals': { 'aws:TagKeys': [DRILL_TAG] },
      },
    }),
    new iam.PolicyStatement({
      sid: 'PassRolesOfBootedCopy',
      actions: ['iam:PassRole'],
      resources: [definition.taskRole.roleArn, definition.obtainExecutionRole().roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  ];
  const stopping = [
    new iam.PolicyStatement({
      sid: 'FollowAndStopBootedCopy',
      actions: ['ecs:DescribeTasks', 'ecs:StopTask'],
      resources: [tasks],
      conditions: tagged,
    }),
    // ECS knows no resource for lists; the cluster narrows it.
    new iam.PolicyStatement({
      sid: 'FindBootedCopies',
      actions: ['ecs:ListTasks'],
      resources: ['*'],
      conditions: inCluster,
    }),
  ];
  return { running, stopping };
}
