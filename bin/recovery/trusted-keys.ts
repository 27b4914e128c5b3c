/** By which keys a site's functions tell whether a point is authentic: people ask with the same. */
import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import type { Authenticator } from '../../lambda/archive/authenticity';
import { authenticatorOf } from '../../lambda/shared/kms-authenticator';
import { drillFunctionName } from '../../lib/private/site-layout';
import type { Clients } from './clients';
import type { Deployment } from './find-deployment';

/**
 * As the function that restores or exports there is configured, not as the plan says: that is in the bucket, where whoever
 * forges a point could write it.
 *
 * @returns undefined where manifests are not signed, or nothing is exported
 */
export async function authenticatorAt(
  where: 'dr-site' | 'in-region',
  { plan, site, dr, primary }: Deployment,
): Promise<Authenticator | undefined> {
  if (where === 'dr-site') return configuredIn(dr, drillFunctionName(site.name));
  const [exporter] = Object.values(plan.resources?.exportFunctions ?? {});
  return exporter === undefined ? undefined : configuredIn(primary, exporter);
}

async function configuredIn(clients: Clients, FunctionName: string): Promise<Authenticator | undefined> {
  const { Environment } = await clients.lambda().send(new GetFunctionConfigurationCommand({ FunctionName }));
  return authenticatorOf(Environment?.Variables ?? {}, () => clients.kms());
}
