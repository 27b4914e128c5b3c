/** The configuration file of `bin/app.ts` for the demo: the sample's own, for the account and Regions of the local AWS. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify, type TomlTable } from 'smol-toml';
import type { Regions } from './deployed';

/** As the sample's configuration names them. */
export const REGIONS: Regions = { primary: 'eu-central-1', dr: 'eu-west-1' };
/** As the sample's configuration names it. */
export const DEPLOYMENT = 'wso2is';

const sample = join(__dirname, '..', '..', 'bin', 'sample');
export const SAMPLE_DEPLOYMENT_TOML = join(sample, 'deployment.toml');

/** `more` replaces whole tables of the sample's configuration. */
export function recoveryToml(account: string, deploymentToml: string, more: TomlTable = {}): string {
  return stringify({ ...read('recovery.toml'), account, deployment: deploymentToml, ...more });
}

/** What an existing deployment is, by the keys of `[existing]`. */
export interface ExistingIdentifiers {
  readonly vpc_id: string;
  readonly availability_zones: string[];
  readonly subnet_ids: string[];
  readonly database: {
    readonly name: string;
    readonly instance_arn: string;
    readonly secret_arn: string;
    readonly dr_secret_arn?: string;
  };
  readonly volume: ExistingAccessPoint;
  readonly server_directory: ExistingAccessPoint;
}

interface ExistingAccessPoint extends TomlTable {
  readonly file_system_id: string;
  readonly access_point_id: string;
  readonly security_group_id: string;
}

/** The sample's configuration of an existing deployment, with other identifiers, and `more` in place of whole tables. */
export function existingToml(
  account: string,
  deploymentToml: string,
  { database, volume, server_directory, ...network }: ExistingIdentifiers,
  more: TomlTable = {},
): string {
  const configuration = read('existing.toml');
  const existing = configuration.existing as TomlTable & {
    readonly database: TomlTable[];
    readonly volume: TomlTable[];
  };
  return stringify({
    ...configuration,
    account,
    deployment: deploymentToml,
    existing: {
      ...existing,
      ...network,
      database: [{ ...existing.database[0], ...database }],
      volume: [{ ...existing.volume[0], ...volume }],
      server_directory,
    },
    ...more,
  });
}

const read = (file: string) => parse(readFileSync(join(sample, file), 'utf8'));
