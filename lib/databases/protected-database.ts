import { type CfnElement, type Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import type * as rds from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import type { OptionalTechnique } from '../objectives/optional-technique';
import type { DatabaseKind } from '../planning/plan-document';
import type { DatabaseInput } from '../planning/plan-types';
import { definitionOf } from '../private/definition';
import { nameFromId } from '../private/names';
import { type RestoredServer, restoredServer, statedGroups, writerClassOf } from './restored-server';

/** What a protected RDS resource holds, and who may log in to what is restored from it. */
export interface ProtectedDatabaseProps {
  /**
   * Names of the databases of `deployment.toml` that this resource holds: `identity_db`, `shared_db`, `user`, the `id` of a
   * `[[datasource]]`; the product's own names such as `WSO2_IDENTITY_DB` are understood too. A database that no resource
   * names is found by its host.
   *
   * @default - every database whose host in `deployment.toml` is one of the host names of this resource
   */
  readonly datasources?: string[];
  /**
   * Further host names under which `deployment.toml` reaches this resource: its endpoint where it was given by ARN, a CNAME,
   * an RDS Proxy. Without port.
   *
   * @default - the endpoint addresses of the construct alone; where they are known only at deploy time they match nothing
   * but themselves, see `DeploymentTomlOptions.resolve`
   */
  readonly hostnames?: string[];
  /**
   * The secret with `username` and `password`, as RDS writes it. A drill logs in with its replica in the DR Region. A
   * secret that this app owns is replicated and tagged for you. An imported one must be imported by its complete ARN, must
   * have a replica in the DR Region, and must carry the tag `wso2is-recovery:site` with the name of the site.
   */
  readonly credentials: ISecret;
  /**
   * Where the DR site is in another account: the complete ARN of the secret there, in the DR Region, that holds the same
   * `username` and `password`, and carries the tag `wso2is-recovery:site` with the name of the site. Secrets Manager replicates
   * none into another account; whoever rotates the one changes the other.
   *
   * @default - the replica of `credentials` in the DR Region; a site in another account is refused
   */
  readonly drSiteSecretArn?: string;
  /**
   * Name of this component in the plan, in reports and in metrics: lower-case letters, digits, hyphens.
   *
   * @default - made of the construct's id; for what is given by ARN, of the identifier in it
   */
  readonly name?: string;
  /**
   * Its weekly maintenance window in UTC, as RDS writes it: `sun:03:00-sun:04:00`. Snapshot jobs of AWS Backup fail from one
   * hour before it to its end (Aurora is exempt), so schedules keep away from it.
   *
   * @default - that of an instance of this app which states it; else not known: the plan counts the runs that may be lost
   */
  readonly maintenanceWindow?: string;
  /**
   * Its daily window of automated backups in UTC, as RDS writes it: `02:00-02:30`. The same holds as for the other.
   *
   * @default - that of an instance of this app which states it; else not known: the plan counts the runs that may be lost
   */
  readonly backupWindow?: string;
  /**
   * How much data it holds, for the estimates of the time to recover and of the cost.
   *
   * @default Size.gibibytes(20)
   */
  readonly size?: Size;
  /**
   * Techniques that the plan must do without.
   *
   * @default - none
   */
  readonly without?: OptionalTechnique[];
  /**
   * Name of the DB parameter group (of a cluster: of the DB cluster parameter group) that what is restored at the DR site has.
   * Such groups belong to a Region: make one with the values of production's in the DR Region. In the primary Region what is
   * restored has that of production.
   *
   * @default - the default group of the engine; a drill warns of it where production has another. To accept that, name it:
   * 'default.postgres17'
   */
  readonly drSiteParameterGroup?: string;
}

/** What a protected RDS DB instance is, besides. */
export interface ProtectedInstanceProps extends ProtectedDatabaseProps {
  /**
   * Name of the option group, in the DR Region, that what is restored there has. A snapshot with options that its data needs
   * (TDE of Oracle, for one) can be copied and restored with such a group alone.
   *
   * @default - the default group of the engine; a drill warns of it where production has another
   */
  readonly drSiteOptionGroup?: string;
  /**
   * DB instance class of what drills make, as RDS writes it: `db.t4g.large`. Large enough for the queries of the checks; a
   * smaller one costs less, and may take longer to come up than a recovery will.
   *
   * @default - that of production, which a recovery always has
   */
  readonly drillInstanceClass?: string;
}

/** What a protected Aurora cluster is, besides. */
export interface ProtectedClusterProps extends ProtectedDatabaseProps {
  /**
   * Whether it is the primary cluster of an Aurora Global Database that has a secondary cluster in the DR Region.
   *
   * @default false
   */
  readonly globalDatabase?: boolean;
  /**
   * DB instance class of the one instance that a recovery creates in the restored cluster, as RDS writes it: `db.r8g.large`.
   * AWS Backup restores a cluster without instances, and no recovery point holds their classes.
   *
   * @default - that of the writer where the cluster is a construct of this app, provisioned, and states it; else
   * `drillInstanceClass`: change it after the recovery
   */
  readonly instanceClass?: string;
  /**
   * The same of a drill: large enough for the queries of the checks, and no larger.
   *
   * @default 'db.t4g.medium', which Aurora MySQL and Aurora PostgreSQL both have
   */
  readonly drillInstanceClass?: string;
}

/** An RDS resource that AWS Backup protects, with the databases of `deployment.toml` that it holds. */
export abstract class ProtectedDatabase {
  /** An RDS DB instance, new or imported (`DatabaseInstance.fromDatabaseInstanceAttributes`). */
  public static fromInstance(instance: rds.IDatabaseInstance, props: ProtectedInstanceProps): ProtectedDatabase {
    const known = withEndpoints(props, () => instance.dbInstanceEndpointAddress);
    return new ByConstruct(
      instance,
      'rds-instance',
      instance.instanceArn,
      known,
      definitionOf(instance, instance.instanceIdentifier),
    );
  }

  /**
   * An RDS DB instance out of a CloudFormation or Terraform stack.
   *
   * @param instanceArn `arn:PARTITION:rds:REGION:ACCOUNT:db:IDENTIFIER`
   */
  public static fromInstanceArn(instanceArn: string, props: ProtectedInstanceProps): ProtectedDatabase {
    return new ByArn('db', 'rds-instance', instanceArn, props);
  }

  /**
   * An Aurora DB cluster, new or imported. A drill restores the cluster and creates one instance in it. Not from an Aurora
   * Global Database: where one carries the objective, drills cannot be scheduled.
   */
  public static fromCluster(cluster: rds.IDatabaseCluster, props: ProtectedClusterProps): ProtectedDatabase {
    return new ByConstruct(
      cluster,
      'aurora-cluster',
      cluster.clusterArn,
      withEndpoints(
        props,
        () => cluster.clusterEndpoint.hostname,
        () => cluster.clusterReadEndpoint.hostname,
      ),
      definitionOf(cluster, cluster.clusterIdentifier),
      writerClassOf(cluster),
    );
  }

  /**
   * An Aurora DB cluster out of a CloudFormation or Terraform stack; restored as one of `fromCluster`.
   *
   * @param clusterArn `arn:PARTITION:rds:REGION:ACCOUNT:cluster:IDENTIFIER`
   */
  public static fromClusterArn(clusterArn: string, props: ProtectedClusterProps): ProtectedDatabase {
    return new ByArn('cluster', 'aurora-cluster', clusterArn, props);
  }

  /**
   * An RDS Multi-AZ DB cluster (not Aurora). AWS Backup takes snapshots of it in its Region, and AWS copies none of them to
   * another: the synth stops, and says what would reach the DR site in its place.
   *
   * @param clusterArn `arn:PARTITION:rds:REGION:ACCOUNT:cluster:IDENTIFIER`
   */
  public static fromMultiAzClusterArn(clusterArn: string, props: ProtectedDatabaseProps): ProtectedDatabase {
    return new ByArn('cluster', 'multi-az-cluster', clusterArn, props);
  }

  /** Names of the databases of `deployment.toml` that this resource is said to hold. */
  public readonly datasources: string[];
  /** Host names under which this resource is reached, as far as they are known. */
  public readonly hostnames: string[];
  /** The secret with `username` and `password`. */
  public readonly credentials: ISecret;
  /**
   * @internal
   */
  public readonly _drSiteSecretArn?: string;
  /**
   * @internal
   */
  public readonly _kind: DatabaseKind;
  /**
   * @internal
   */
  public readonly _arn: string;
  /**
   * Of what is restored of it.
   * @internal
   */
  public readonly _restoredServer: RestoredServer;

  /**
   * The resource of this app that it is, if it is one.
   * @internal
   */
  public readonly _definition?: CfnElement;

  private readonly props: AnyProps;

  /** The component's name in the plan, in reports and in metrics. */
  public abstract readonly name: string;

  /**
   * @internal
   */
  protected constructor(
    kind: DatabaseKind,
    arn: string,
    props: ProtectedDatabaseProps,
    definition?: CfnElement,
    statedClass?: string,
  ) {
    this._kind = kind;
    this._arn = arn;
    this._definition = definition;
    this.datasources = [...(props.datasources ?? [])];
    this.hostnames = (props.hostnames ?? []).map(requireHostname);
    this.credentials = props.credentials;
    this._drSiteSecretArn = props.drSiteSecretArn;
    this.props = props;
    this._restoredServer = restoredServer(props, { instanceClass: statedClass, ...statedGroups(definition) });
  }

  /**
   * Lets a function of this package reach the database, where it is a construct; of one given by ARN nothing is known.
   * @internal
   */
  public _allowFrom(_peer: ec2.IConnectable): void {
    // See ByConstruct.
  }

  /**
   * @internal
   */
  public get _planInput(): DatabaseInput {
    const { size, maintenanceWindow, backupWindow, without, globalDatabase } = this.props;
    return {
      name: this.name,
      kind: this._kind,
      sizeGib: size?.toGibibytes({ rounding: SizeRoundingBehavior.NONE }),
      maintenanceWindow,
      backupWindow,
      without,
      globalDatabase,
    };
  }
}

/** Each kind has some of them. */
type AnyProps = ProtectedInstanceProps & ProtectedClusterProps;

class ByConstruct extends ProtectedDatabase {
  public readonly name: string;
  private readonly stated: Stated;

  public constructor(
    private readonly construct: IConstruct & ec2.IConnectable,
    kind: DatabaseKind,
    arn: string,
    props: AnyProps,
    definition: CfnElement | undefined,
    statedClass?: string,
  ) {
    super(kind, arn, props, definition, statedClass);
    this.stated = statedBy(definition);
    this.name = props.name ?? nameFromId(construct.node.id);
  }

  /**
   * @internal
   */
  public override _allowFrom(peer: ec2.IConnectable): void {
    this.construct.connections.allowDefaultPortFrom(peer, 'Counts of rows');
  }

  /** What is given goes before what the construct states. */
  public override get _planInput(): DatabaseInput {
    const given = super._planInput;
    return {
      ...given,
      ...this.stated,
      maintenanceWindow: given.maintenanceWindow ?? this.stated.maintenanceWindow,
      backupWindow: given.backupWindow ?? this.stated.backupWindow,
    };
  }
}

class ByArn extends ProtectedDatabase {
  public readonly name: string;

  public constructor(resource: 'db' | 'cluster', kind: DatabaseKind, arn: string, props: AnyProps) {
    super(kind, arn, props);
    const identifier = Token.isUnresolved(arn) ? undefined : identifierOf(resource, arn);
    if (props.name === undefined && identifier === undefined) {
      throw new Error('`name` must be given where the ARN is a token, got none: name the component');
    }
    this.name = props.name ?? nameFromId(identifier!);
  }
}

function identifierOf(resource: 'db' | 'cluster', arn: string): string {
  const identifier = new RegExp(`^arn:[^:]+:rds:[^:]+:\\d{12}:${resource}:([^:]+)$`).exec(arn)?.[1];
  if (identifier === undefined) {
    const command = resource === 'db' ? 'describe-db-instances' : 'describe-db-clusters';
    throw new Error(
      `the ARN must be arn:PARTITION:rds:REGION:ACCOUNT:${resource}:IDENTIFIER, got '${arn}': ` +
        `take it from \`aws rds ${command}\``,
    );
  }
  return identifier;
}

/** What an instance of this app says of itself. */
type Stated = Pick<DatabaseInput, 'maintenanceWindow' | 'backupWindow' | 'automatedBackups'>;

function statedBy(child: CfnElement | undefined): Stated {
  if (!(child instanceof CfnDBInstance)) return {};
  const known = (window: string | undefined) => (Token.isUnresolved(window) ? undefined : window);
  return {
    maintenanceWindow: known(child.preferredMaintenanceWindow),
    backupWindow: known(child.preferredBackupWindow),
    ...(child.backupRetentionPeriod === 0 ? { automatedBackups: false } : {}),
  };
}

/** The construct's own endpoints before those that are given; an imported cluster throws where it has none. */
function withEndpoints<T extends ProtectedDatabaseProps>(props: T, ...endpoints: (() => string)[]): T {
  const known = endpoints.flatMap((endpoint) => {
    try {
      return [endpoint()];
    } catch {
      return [];
    }
  });
  return { ...props, hostnames: [...known, ...(props.hostnames ?? [])] };
}

function requireHostname(hostname: string): string {
  if (Token.isUnresolved(hostname) || /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(hostname)) return hostname;
  throw new Error(
    `\`hostnames\` must be host names, got '${hostname}': write db.example.com, without scheme, port or database`,
  );
}
