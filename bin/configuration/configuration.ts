import { readFileSync } from 'node:fs';
import type { Duration, Size } from 'aws-cdk-lib';
import { parse, TomlError } from 'smol-toml';
import type {
  AirGappedVaultOptions,
  BackupAuditOptions,
  OptionalTechnique,
  RestoreTestingOptions,
  RowCountOptions,
  PlanningAssumptions,
  RecoveryPointRetention,
} from '../../lib';
import { PRODUCT_VERSION } from '../../lib/private/bucket-layout';
import {
  type KeySettings,
  type ManifestSettings,
  readAirGappedVault,
  readAudit,
  readKeys,
  readManifests,
  readRestoreTesting,
} from './protection';
import { readAssumptions, readComponent, readRetention } from './planning';
import { ConfigurationError, Table } from './table';

/** What the app of `cdk.json` is told by its configuration file. */
export interface Configuration {
  /** Absent: the account of the credentials in use. */
  readonly account?: string;
  readonly name: string;
  /** Absolute path of `deployment.toml`. */
  readonly deploymentPath: string;
  /** Values of references in it, by `env:NAME`, `secret:ALIAS`, `sys:PROPERTY`. */
  readonly resolve: { readonly [reference: string]: string };
  readonly primaryRegion: string;
  readonly drRegion: string;
  /** Account of the DR site. Absent: the same. */
  readonly drAccount?: string;
  readonly siteName?: string;
  readonly objectives: { readonly rpo: Duration; readonly rto: Duration; readonly drSite: SiteObjectives };
  readonly retention?: RecoveryPointRetention;
  readonly assumptions?: PlanningAssumptions;
  /** Whether recoveries and drills run in the primary Region too. */
  readonly inRegionRecovery: boolean;
  /** As {@link drillSchedule}, of drills in the primary Region. */
  readonly inRegionDrillSchedule?: string;
  /** Absent: signed with a key that the site makes. */
  readonly manifests?: ManifestSettings;
  readonly keys: KeySettings;
  /** Absent: AWS Backup Audit Manager is not used. */
  readonly audit?: BackupAuditOptions;
  /** How far counts of rows are apart; absent: nothing is counted. */
  readonly rowCounts?: RowCountOptions;
  /** Absent: none. */
  readonly airGappedVault?: AirGappedVaultOptions;
  /** Absent: drills alone. */
  readonly restoreTesting?: RestoreTestingOptions;
  /** `rate(...)` or `cron(...)`; absent: drills are not scheduled. */
  readonly drillSchedule?: string;
  /** Receives mail of failures in both Regions. */
  readonly email: string[];
  /** Whether vaults, buckets and keys go with their stacks. */
  readonly destroy: boolean;
  /** Absent: the sample is made. */
  readonly existing?: Existing;
}

export interface SiteObjectives {
  readonly rpo: Duration;
  readonly rto: Duration;
}

/** A deployment that is there already, by its identifiers. */
export interface Existing {
  readonly vpcId: string;
  readonly availabilityZones: string[];
  readonly subnetIds: string[];
  readonly databases: ExistingDatabase[];
  readonly volumes: ExistingVolume[];
  /** Where a volume holds the entire server directory. */
  readonly serverDirectory?: ExistingServerDirectory;
}

export interface ExistingDatabase {
  readonly name?: string;
  readonly instanceArn: string;
  readonly secretArn: string;
  /** Of the secret in the DR Region, where the site is in another account. */
  readonly drSiteSecretArn?: string;
  /** Absent: those whose host is among `hostnames`. */
  readonly datasources?: string[];
  readonly hostnames?: string[];
  readonly maintenanceWindow?: string;
  readonly backupWindow?: string;
  readonly drSiteParameterGroup?: string;
  readonly drSiteOptionGroup?: string;
  readonly drillInstanceClass?: string;
  readonly size?: Size;
  readonly without?: OptionalTechnique[];
}

/** An EFS access point, by its identifiers. */
export interface ExistingAccessPoint {
  readonly fileSystemId: string;
  readonly accessPointId: string;
  readonly securityGroupId: string;
}

export interface ExistingServerDirectory extends ExistingAccessPoint {
  readonly productVersion?: string;
}

export interface ExistingVolume extends ExistingAccessPoint {
  readonly name?: string;
  readonly mountedAt: string;
  readonly path?: string;
  readonly size?: Size;
  readonly files?: number;
  readonly without?: OptionalTechnique[];
}

const SCHEDULE = { pattern: /^(rate|cron)\(.+\)$/, allowed: 'rate(...) or cron(...)' };
const ACCOUNT = { pattern: /^\d{12}$/, allowed: 'an account id of twelve digits in quotes' };
const SECRET = {
  pattern: /^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+-\w{6}$/,
  allowed: 'the complete ARN of a secret, its random suffix included',
};
const REGION = { pattern: /^[a-z]{2,}(-[a-z]+)+-\d$/, allowed: "a Region's name as eu-central-1" };
const id = (prefix: string) => ({
  pattern: new RegExp(`^${prefix}-[0-9a-z]+$`),
  allowed: `an id as ${prefix}-0123456789abcdef0`,
});

/** @throws ConfigurationError if the file is missing, is not TOML, or holds what cannot be used */
export function readConfiguration(file: string): Configuration {
  return interpret(file, parseToml(file, readText(file)));
}

function interpret(file: string, values: Readonly<Record<string, unknown>>): Configuration {
  const root = new Table(file, '', values);
  const regions = root.table('regions');
  const objectives = root.table('objectives');
  const drSite = objectives.table('dr_site');
  const retention = root.optionalTable('retention');
  const assumptions = root.optionalTable('assumptions');
  const drill = root.optionalTable('drill');
  const removal = root.optionalTable('removal');
  const notifications = root.optionalTable('notifications');
  const site = root.optionalTable('site');
  const manifests = root.optionalTable('manifests');
  const keys = root.optionalTable('keys');
  const audit = root.optionalTable('audit');
  const rowCounts = root.optionalTable('row_counts');
  const airGappedVault = root.optionalTable('air_gapped_vault');
  const restoreTesting = root.optionalTable('restore_testing');
  const resolve = root.optionalTable('resolve');
  const sample = root.optionalTable('sample');
  const existing = root.optionalTable('existing');
  if ((sample === undefined) === (existing === undefined)) {
    root.fail(
      'existing',
      'there, or else `sample`',
      sample ? 'both' : 'none of the two',
      'write [sample] to try it out, [existing] for a deployment of your own',
    );
  }
  const inRegionRecovery = drill?.flag('in_region', false) ?? false;
  const configuration: Configuration = {
    account: root.optionalText('account', ACCOUNT),
    name: root.text('name', { allowed: 'a name' }),
    deploymentPath: root.filePath('deployment'),
    resolve: resolve?.entries('a text, the value of the reference') ?? {},
    primaryRegion: regions.text('primary', REGION),
    drRegion: regions.text('dr', REGION),
    drAccount: regions.optionalText('dr_account', ACCOUNT),
    siteName: site?.text('name', { allowed: 'a name' }),
    objectives: {
      rpo: objectives.duration('rpo'),
      rto: objectives.duration('rto'),
      drSite: { rpo: drSite.duration('rpo'), rto: drSite.duration('rto') },
    },
    retention: retention && readRetention(retention),
    assumptions: assumptions && readAssumptions(assumptions),
    drillSchedule: drill?.text('schedule', SCHEDULE),
    inRegionRecovery,
    inRegionDrillSchedule: drill && readInRegionSchedule(drill, inRegionRecovery),
    manifests: manifests && readManifests(manifests),
    keys: keys ? readKeys(keys) : {},
    audit: audit && readAudit(audit),
    rowCounts: rowCounts && { interval: rowCounts.optionalDuration('interval') },
    airGappedVault: airGappedVault && readAirGappedVault(airGappedVault),
    restoreTesting: restoreTesting && readRestoreTesting(restoreTesting),
    email:
      notifications?.texts('email', { pattern: /^\S+@\S+$/, allowed: 'a list of mail addresses', atLeast: 1 }) ?? [],
    destroy: removal?.text('policy', { pattern: /^(retain|destroy)$/, allowed: '"retain" or "destroy"' }) === 'destroy',
    existing: existing && readExisting(existing),
  };
  for (const table of [
    root,
    regions,
    objectives,
    drSite,
    retention,
    assumptions,
    drill,
    removal,
    notifications,
    site,
    manifests,
    keys,
    audit,
    rowCounts,
    airGappedVault,
    restoreTesting,
    sample,
  ])
    table?.end();
  return configuration;
}

function readInRegionSchedule(drill: Table, inRegionRecovery: boolean): string | undefined {
  const schedule = drill.optionalText('in_region_schedule', SCHEDULE);
  if (schedule !== undefined && !inRegionRecovery) {
    drill.fail(
      'in_region_schedule',
      'there with `in_region = true` alone',
      'it without',
      'add that, or take this away',
    );
  }
  return schedule;
}

const readAccessPoint = (table: Table): ExistingAccessPoint => ({
  fileSystemId: table.text('file_system_id', id('fs')),
  accessPointId: table.text('access_point_id', id('fsap')),
  securityGroupId: table.text('security_group_id', id('sg')),
});

function readServerDirectory(table: Table): ExistingServerDirectory {
  const directory = {
    ...readAccessPoint(table),
    productVersion: table.optionalText('product_version', {
      pattern: PRODUCT_VERSION,
      allowed: 'a product version as 7.1.0',
    }),
  };
  table.end();
  return directory;
}

function readExisting(existing: Table): Existing {
  const serverDirectory = existing.optionalTable('server_directory');
  const read: Existing = {
    vpcId: existing.text('vpc_id', id('vpc')),
    availabilityZones: existing.texts('availability_zones', { allowed: 'a list of Availability Zones', atLeast: 1 }),
    subnetIds: existing.texts('subnet_ids', { ...id('subnet'), allowed: 'a list of subnet ids', atLeast: 1 }),
    databases: existing.tables('database').map((table) => {
      const database: ExistingDatabase = {
        name: table.optionalText('name', { allowed: 'a name' }),
        instanceArn: table.text('instance_arn', {
          pattern: /^arn:[^:]+:rds:[^:]+:\d{12}:db:[^:]+$/,
          allowed: 'the ARN of an RDS DB instance',
        }),
        secretArn: table.text('secret_arn', SECRET),
        drSiteSecretArn: table.optionalText('dr_secret_arn', SECRET),
        datasources: table.optionalTexts('datasources', {
          allowed: 'a list of databases of deployment.toml',
          atLeast: 1,
        }),
        hostnames: table.optionalTexts('hostnames', { allowed: 'a list of host names', atLeast: 1 }),
        maintenanceWindow: table.optionalText('maintenance_window', { allowed: 'as sun:03:00-sun:04:00' }),
        backupWindow: table.optionalText('backup_window', { allowed: 'as 02:00-02:30' }),
        drSiteParameterGroup: table.optionalText('dr_parameter_group', { allowed: 'a name in the DR Region' }),
        drSiteOptionGroup: table.optionalText('dr_option_group', { allowed: 'a name in the DR Region' }),
        drillInstanceClass: table.optionalText('drill_instance_class', { allowed: 'as db.t4g.large' }),
        ...readComponent(table),
      };
      table.end();
      return database;
    }),
    volumes: existing.tables('volume').map((table) => {
      const volume: ExistingVolume = {
        name: table.optionalText('name', { allowed: 'a name' }),
        ...readAccessPoint(table),
        mountedAt: table.text('mounted_at', { allowed: 'a path below <IS_HOME> as repository' }),
        path: table.optionalText('path', { pattern: /^\//, allowed: 'a directory of the file system as /repository' }),
        files: table.optionalNumber('files'),
        ...readComponent(table),
      };
      table.end();
      return volume;
    }),
    serverDirectory: serverDirectory && readServerDirectory(serverDirectory),
  };
  existing.end();
  return read;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(
      `${file} must be a configuration file, got none (${code}): copy bin/sample/recovery.toml, or name yours with -c config=FILE`,
      { cause: error },
    );
  }
}

function parseToml(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigurationError(`${file}, line ${error.line}, column ${error.column}: ${error.message}`, {
      cause: error,
    });
  }
}
