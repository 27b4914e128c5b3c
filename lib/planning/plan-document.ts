/**
 * The recovery plan document: what the primary Region publishes at deploy time into the artifact bucket, S3 replicates to
 * the DR site, and a drill reads there. It is all that a drill knows of production, since the primary Region may be gone.
 *
 * Pure data: no constructs, no AWS calls; imported by `lib/` (which writes it) and by `lambda/` (which reads it).
 */

export const PLAN_DOCUMENT_FORMAT_VERSION = 1;

export interface RecoveryPlanDocument {
  readonly formatVersion: typeof PLAN_DOCUMENT_FORMAT_VERSION;
  /** Name of the deployment: `[a-z0-9][a-z0-9-]*`, unique at its DR site. First part of every key in the bucket. */
  readonly deployment: string;
  readonly primaryRegion: string;
  readonly drRegion: string;
  readonly objectives: { readonly inRegion: ObjectiveSeconds; readonly drSite: ObjectiveSeconds };
  readonly databases: readonly DatabaseEntry[];
  readonly volumes: readonly VolumeEntry[];
  readonly restoreDependencies: RestoreDependencies;
  /** What the planner promised: every technique in use, by component and site. */
  readonly plan: readonly PlanLine[];
  /** How long a recovery should take: estimates, or what drills measured. */
  readonly recoveryTimes: readonly RecoveryTime[];
  /** What people and commands call by its name. Absent: a release published the document that did not say it yet. */
  readonly resources?: NamedResources;
}

/** Names of what the primary stack made; those at the DR site follow from the site's name. */
export interface NamedResources {
  readonly siteName: string;
  /** In the primary Region: the archives, and this document. */
  readonly artifactBucket: string;
  /** In the primary Region. */
  readonly vaultName: string;
  /** With which AWS Backup backs up and copies. */
  readonly backupRoleArn: string;
  /** Name of the export function, by volume; a volume without one is not exported. */
  readonly exportFunctions: Readonly<Record<string, string>>;
  /** Name of the function that keeps baselines; absent where it was not asked for. */
  readonly baselineFunction?: string;
  /** Name of the function that drills and recovers in the primary Region; absent where it was not asked for. */
  readonly inRegionDrillFunction?: string;
}

export interface ObjectiveSeconds {
  readonly rpoSeconds: number;
  readonly rtoSeconds: number;
}

/** One protected RDS resource with the databases of `deployment.toml` that it covers. */
export interface DatabaseEntry {
  /** Component name, unique in the document: the id the user gave, else the construct id. */
  readonly name: string;
  readonly kind: DatabaseKind;
  /** ARN in the primary Region; AWS Backup lists recovery points by it. */
  readonly resourceArn: string;
  /**
   * ARN, in the primary Region, of the Secrets Manager secret with `username` and `password` as RDS writes them. Its
   * replica in the DR Region has the same ARN but for the Region.
   */
  readonly secretArn: string;
  /** The secret at the DR site where that is in another account. Absent: the replica of the other. */
  readonly drSiteSecretArn?: string;
  /** Of the instance that a recovery creates in a restored Aurora cluster. Absent: not known; that of drills. */
  readonly instanceClass?: string;
  /** Of the instance that a drill makes. Absent: of an RDS instance that of production, of a cluster a small one. */
  readonly drillInstanceClass?: string;
  /** DB parameter group of production (of a cluster: DB cluster parameter group). Absent: the default one, or not known. */
  readonly parameterGroup?: string;
  /** Option group of production. Absent: the default one, or not known. */
  readonly optionGroup?: string;
  /** Name, in the DR Region, of the parameter group of what is restored there. Absent: the default of the engine. */
  readonly drSiteParameterGroup?: string;
  /** The same of the option group. */
  readonly drSiteOptionGroup?: string;
  readonly datasources: readonly DatasourceEntry[];
}

/** `default.postgres17`, `default:postgres-17`: RDS allows nobody else a name of a group that begins so. */
export const isDefaultGroup = (name: string): boolean => /^default[.:]/.test(name);

export type DatabaseKind = 'rds-instance' | 'aurora-cluster' | 'multi-az-cluster';

/** One database as `deployment.toml` declares it. */
export interface DatasourceEntry {
  /** `identity_db`, `shared_db`, ... or the `id` of a `[[datasource]]`. */
  readonly datasource: string;
  /** As in the file: `postgre`, `mysql`, `mariadb`, `mssql`, `oracle`, `db2`. */
  readonly type: string;
  /** Name of the database on the server. */
  readonly databaseName: string;
}

/** One EFS file system (through one access point) that holds a path of `<IS_HOME>`. */
export interface VolumeEntry {
  readonly name: string;
  /** Where it is mounted, relative to `<IS_HOME>`, without leading or trailing slash: `repository`. */
  readonly mountedAt: string;
  readonly fileSystemArn: string;
  /** Directory of the file system to which the access point leads: `/repository`. Absent: its root. */
  readonly path?: string;
}

/** Files and values that a restored IS cannot do without; paths relative to `<IS_HOME>`. */
export interface RestoreDependencies {
  /** `repository/conf/deployment.toml`. */
  readonly deploymentTomlPath: string;
  readonly keystores: readonly Keystore[];
  /** How `[encryption] key` is given: `absent` means that the product's public default is in use. */
  readonly encryptionKey: 'absent' | 'public-default' | 'literal' | 'reference';
  /** The file chooses to encrypt with the internal keystore: `[encryption] key` is not used. */
  readonly encryptsWithKeystore?: boolean;
  /** Absent: no value is a `$secret{}`. Otherwise the server asks for the keystore's password when it starts. */
  readonly secrets?: {
    readonly aliases: readonly string[];
    /** Of them, what `[secrets]` does not hold: an external vault does. */
    readonly elsewhere: readonly string[];
    /** Of them, what `[secrets]` holds without encryption. */
    readonly clearText: readonly string[];
  };
  /** Absent: not in the file. */
  readonly userStore?: { readonly type: string; readonly connectionUrl?: string };
  /** Absent: the server is no member of a cluster. What is here, a restored copy must not join. */
  readonly clustering?: {
    readonly membershipScheme: string;
    readonly domain?: string;
    readonly members?: readonly string[];
  };
  /** Absent: not in the file. A restored copy must not send mail through it. */
  readonly smtp?: { readonly host: string; readonly port?: string };
}

export interface Keystore {
  /** `primary`, `internal`, `tls`, `truststore`, or another table of `[keystore]`. */
  readonly role: string;
  readonly path: string;
  /** Stands in its place where `path` is missing: the product's other default, where `deployment.toml` names no file. */
  readonly orPath?: string;
}

export type Site = 'in-region' | 'dr-site';

/** One technique that protects a component at a site. */
export interface PlanLine {
  /** Name of a database or volume entry. */
  readonly component: string;
  readonly site: Site;
  readonly technique: Technique;
  /** `promise`: this technique carries the RPO at the site. `history`: kept beside it, to undo what the other repeats. */
  readonly purpose: 'promise' | 'history';
  /** Worst case age of the newest usable recovery point: the sum of `terms`. */
  readonly worstCaseSeconds: number;
  readonly terms: readonly PlanTerm[];
  /** `cron(...)` or `rate(...)`; absent where the technique has no schedule (continuous). */
  readonly schedule?: string;
  /** Why this technique: one sentence. */
  readonly reason: string;
  /** An estimate at list prices of us-east-1. */
  readonly usdPerMonth: number;
}

/** AWS's or our own name of what keeps a component recoverable. */
export type Technique =
  | 'backup-snapshot'
  | 'backup-continuous'
  | 'backup-copy'
  | 'rds-automated-backup-replication'
  | 'aurora-global-database'
  | 'artifact-export'
  | 'artifact-export-replicated'
  | 'efs-replication';

export interface PlanTerm {
  readonly name: string;
  readonly seconds: number;
  /** Where the number comes from: an AWS limit, the user's input, a default, a drill. */
  readonly source: string;
}

/** How long a component needs until it is usable again at a site. */
export interface RecoveryTime {
  /** Name of a component, or `all together`: the slowest, and the checks. */
  readonly component: string;
  readonly site: Site;
  /** `estimate`: from sizes and cautious rates. `measured`: what the last drill needed. */
  readonly basis: 'estimate' | 'measured';
  /** Sum of `terms`. */
  readonly seconds: number;
  readonly terms: readonly PlanTerm[];
}
