import { Annotations, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';

export interface IdentityServerStackProps extends StackProps {
  /** Of its databases, as `deployment.toml` says it: `postgre` (default), `mysql` or `mariadb`. */
  readonly databaseType?: string;
}

/**
 * What stands for an existing deployment: the network, the database server and the volume of an identity server, without
 * the servers themselves. It knows nothing of recovery. Small, cheap, and deleted with its stack: for trying out only.
 */
export class IdentityServerStack extends Stack {
  public readonly vpc: ec2.IVpc;
  public readonly database: rds.DatabaseInstance;
  /** Holds `<IS_HOME>/repository`. */
  public readonly repository: efs.AccessPoint;

  public constructor(scope: Construct, id: string, props: IdentityServerStackProps) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      restrictDefaultSecurityGroup: false,
    });
    vpc.addGatewayEndpoint('S3Endpoint', { service: ec2.GatewayVpcEndpointAwsService.S3 });

    this.database = new rds.DatabaseInstance(this, 'Database', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      engine: engineOf(props.databaseType ?? 'postgre'),
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
      credentials: rds.Credentials.fromGeneratedSecret('wso2'),
      allocatedStorage: 20,
      storageEncrypted: true,
      databaseName: 'identity_db',
      removalPolicy: RemovalPolicy.DESTROY,
      deleteAutomatedBackups: true,
    });

    const fileSystem = new efs.FileSystem(this, 'Repository', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      encrypted: true,
      enableAutomaticBackups: false,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.repository = fileSystem.addAccessPoint('Access', {
      path: '/repository',
      createAcl: { ownerUid: '802', ownerGid: '802', permissions: '750' },
      posixUser: { uid: '802', gid: '802' },
    });
    this.vpc = vpc;
    Annotations.of(this).acknowledgeWarning('cdk-wso2is-recovery:deletedWithItsStack', 'as a sample is');
  }

  /** Any two zones, so that the synth needs no look-up in the account. */
  public override get availabilityZones(): string[] {
    return anyTwoZones();
  }
}

export const anyTwoZones = () => [0, 1].map((index) => Fn.select(index, Fn.getAzs()));

/** Of each the long-term release that is newest on RDS, in the minor version that RDS prefers; none that needs a licence. */
const ENGINES: Readonly<Record<string, rds.IInstanceEngine>> = {
  postgre: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
  mysql: rds.DatabaseInstanceEngine.mysql({ version: rds.MysqlEngineVersion.of('8.4', '8.4') }),
  mariadb: rds.DatabaseInstanceEngine.mariaDb({ version: rds.MariaDbEngineVersion.of('11.8', '11.8') }),
};

function engineOf(type: string): rds.IInstanceEngine {
  const engine = Object.hasOwn(ENGINES, type) ? ENGINES[type] : undefined;
  if (engine === undefined) {
    throw new Error(
      `deployment.toml must declare databases of type ${Object.keys(ENGINES).join(', ')} where [sample] makes their instance, ` +
        `got ${type}: use one of these, or [existing] with an instance that is there`,
    );
  }
  return engine;
}
