import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import {
  DeploymentToml,
  IdentityServerRecovery,
  type IdentityServerRecoveryProps,
  ProtectedDatabase,
  RecoveryObjectives,
  RecoverySite,
  type RecoverySiteProps,
  Volume,
} from '../../lib';

export const DEPLOYMENT_TOML = `
[database.identity_db]
type = "postgre"
hostname = "db.example.com"
name = "identity"
[database.shared_db]
type = "postgre"
hostname = "db.example.com"
name = "shared"
`;

export const objectives = (rpo = Duration.hours(1), drRpo = Duration.hours(7)) =>
  RecoveryObjectives.of({ rpo, rto: Duration.hours(4), drSite: { rpo: drRpo, rto: Duration.hours(8) } });

/** An existing deployment in one Region and a DR site in another; `addRecovery` composes the two. */
export class Fixture {
  public readonly app = new App();
  public readonly siteStack: Stack;
  public readonly stack: Stack;
  public readonly site: RecoverySite;
  public readonly vpc: ec2.Vpc;
  public readonly database: rds.DatabaseInstance;
  public readonly accessPoint: efs.AccessPoint;

  public constructor({ primary = 'eu-central-1', site }: { primary?: string; site?: RecoverySiteProps } = {}) {
    this.siteStack = new Stack(this.app, 'Site', { env: { account: '111122223333', region: 'eu-west-1' } });
    this.stack = new Stack(this.app, 'Is', { env: { account: '111122223333', region: primary } });
    this.site = new RecoverySite(this.siteStack, 'RecoverySite', site);
    this.vpc = new ec2.Vpc(this.stack, 'Vpc');
    this.database = new rds.DatabaseInstance(this.stack, 'Database', {
      vpc: this.vpc,
      storageEncrypted: true,
      engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
    });
    this.accessPoint = new efs.FileSystem(this.stack, 'Files', { vpc: this.vpc }).addAccessPoint('Access');
  }

  public protectedDatabase(datasources = ['identity_db', 'shared_db']): ProtectedDatabase {
    return ProtectedDatabase.fromInstance(this.database, { datasources, credentials: this.database.secret! });
  }

  /** @param stack that it is in, by default that of what it protects */
  public addRecovery(changed: Partial<IdentityServerRecoveryProps> = {}, stack = this.stack): IdentityServerRecovery {
    return new IdentityServerRecovery(stack, 'Recovery', {
      deployment: DeploymentToml.fromString(DEPLOYMENT_TOML),
      databases: [this.protectedDatabase()],
      volumes: [Volume.fromAccessPoint(this.accessPoint, { mountedAt: 'repository' })],
      objectives: objectives(),
      site: this.site,
      vpc: this.vpc,
      deploymentName: 'production',
      ...changed,
    });
  }
}
