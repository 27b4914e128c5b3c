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
  const configuration = parse(readFileSync(join(sample, 'recovery.toml'), 'utf8'));
  return stringify({ ...configuration, account, deployment: deploymentToml, ...more });
}
