/** The sample, deployed with its recovery and filled, for lives that need it as it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TomlTable } from 'smol-toml';
import { DEPLOYMENT, recoveryToml, REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  backUpDatabases,
  bootstrap,
  deploy,
  deployApp,
  exportArtifacts,
  fill,
  replicated,
} from '../../local/demo/life';
import type { LocalAws } from '../../local/local-aws';

export interface SampleDeployment {
  /** In place of whole tables of the sample's configuration. */
  readonly tables?: TomlTable;
  /** Default: the sample's. */
  readonly deploymentToml?: string;
  /** Command of another app than that of cdk.json. */
  readonly app?: string;
}

/** Without backups yet. Ten tenants: what takes time here is AWS, not the archive. */
export async function deploySample(
  aws: LocalAws,
  { tables, deploymentToml, app }: SampleDeployment = {},
): Promise<Deployed> {
  const toml = deploymentToml ?? readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8');
  const [tomlFile, configuration] = [join(aws.dataDir, 'deployment.toml'), join(aws.dataDir, 'recovery.toml')];
  writeFileSync(tomlFile, toml);
  writeFileSync(configuration, recoveryToml(aws.accountId, tomlFile, tables));
  await bootstrap(aws, REGIONS);
  await (app === undefined ? deploy(aws, configuration) : deployApp(aws, configuration, app));
  const deployed = await findDeployed(aws, REGIONS, DEPLOYMENT);
  await fill(deployed, { deploymentToml: toml, tenants: 10 });
  return deployed;
}

/** At the DR site when it returns. */
export async function takeRecoverySet(aws: LocalAws, deployed: Deployed): Promise<void> {
  await Promise.all([backUpDatabases(aws, deployed), exportArtifacts(aws, deployed)]);
  await replicated(aws, deployed);
}
