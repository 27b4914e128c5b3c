import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

/** Who may talk to whom at the DR site. */
export interface SiteNetwork {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;
  /** Of the restore function. */
  readonly restore: ec2.SecurityGroup;
  /** Of the check function: the only one that reaches a restored database. */
  readonly check: ec2.SecurityGroup;
  /** Of the restored databases. */
  readonly database: ec2.SecurityGroup;
  /** Of the restore volume. */
  readonly volume: ec2.SecurityGroup;
}

const HTTPS = ec2.Port.tcp(443);
const NFS = ec2.Port.tcp(2049);

export function siteNetwork(scope: Construct, given?: { vpc: ec2.IVpc; subnets?: ec2.SubnetSelection }): SiteNetwork {
  const vpc = given?.vpc ?? isolatedVpc(scope);
  const group = (id: string, description: string) =>
    new ec2.SecurityGroup(scope, id, { vpc, description, allowAllOutbound: false });
  const restore = group('RestoreSecurityGroup', 'Restore function: AWS APIs and the restore volume');
  const check = group('CheckSecurityGroup', 'Check function: AWS APIs, the restore volume, the restored databases');
  const database = group('DatabaseSecurityGroup', 'Restored databases: reachable by the check function alone');
  const volume = group('VolumeSecurityGroup', 'Restore volume: reachable by the restore and check functions');

  // S3 through its gateway endpoint keeps its public addresses; in the isolated VPC there is no other way out.
  for (const fn of [restore, check]) fn.addEgressRule(ec2.Peer.anyIpv4(), HTTPS, 'AWS APIs through the VPC endpoints');
  for (const fn of [restore, check]) fn.connections.allowTo(volume, NFS, 'Restore volume');
  // Deployments with databases on any port are registered later, so the port is not known here.
  check.connections.allowTo(database, ec2.Port.allTcp(), 'Checks of the restored databases');
  if (given === undefined) addEndpoints(scope, vpc, check);
  return { vpc, subnets: given?.subnets ?? {}, restore, check, database, volume };
}

/** No internet gateway, no NAT: a restored copy of production cannot reach production, its mail server or anybody. */
function isolatedVpc(scope: Construct): ec2.Vpc {
  return new ec2.Vpc(scope, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    // The default security group stays unused: everything here is given its own. Emptying it would take a function.
    restrictDefaultSecurityGroup: false,
  });
}

/** What the functions inside call: S3 (both functions) and Secrets Manager (the check function). */
function addEndpoints(scope: Construct, vpc: ec2.IVpc, check: ec2.SecurityGroup): void {
  vpc.addGatewayEndpoint('S3Endpoint', { service: ec2.GatewayVpcEndpointAwsService.S3 });
  const endpoint = new ec2.SecurityGroup(scope, 'EndpointSecurityGroup', {
    vpc,
    description: 'Secrets Manager endpoint: reachable by the check function',
    allowAllOutbound: false,
  });
  endpoint.connections.allowFrom(check, HTTPS, 'Credentials of the restored databases');
  vpc.addInterfaceEndpoint('SecretsManagerEndpoint', {
    service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    securityGroups: [endpoint],
    open: false,
  });
}
