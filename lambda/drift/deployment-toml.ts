import type { S3Client } from '@aws-sdk/client-s3';
import { isLocalRegistry } from '../../lib/databases/coverage';
import { parseDeployment } from '../../lib/deployment/parse';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import type { Authenticator } from '../archive/authenticity';
import { readFile } from '../archive/read-file';
import { listPoints } from '../archive/points';
import { S3Store } from '../archive/s3-store';
import { differencesFromPlan } from '../check/checks/declared-databases';

/**
 * How the `deployment.toml` of the newest whole export differs from what the recovery plan was made of; empty: not at all, or
 * no volume holds it, or there is no whole export that is authentic.
 *
 * A suspicious point is looked at too: what it declares is what the servers run with now.
 */
export async function driftOfToml(
  { deployment, volumes, databases, restoreDependencies }: RecoveryPlanDocument,
  s3: S3Client,
  bucket: string,
  authenticator: Authenticator | undefined,
): Promise<string[]> {
  const path = restoreDependencies.deploymentTomlPath;
  const [volume] = volumes
    .filter(({ mountedAt }) => path.startsWith(`${mountedAt}/`))
    .sort((a, b) => b.mountedAt.length - a.mountedAt.length);
  if (!volume) return [];
  const store = new S3Store(s3, bucket, archivePrefix(deployment, volume.name));
  // As long as none can be relied on (none is signed yet, none has arrived whole), that is what the age of recovery points tells.
  const point = (await listPoints(store, authenticator)).find(({ complete }) => complete);
  if (!point) return [];
  const content = await readFile(store, point.manifestKey, point.header!, path.slice(volume.mountedAt.length + 1));
  if (content === undefined)
    return [`${path} is not in the newest export of ${volume.name}: a restore would have no configuration`];
  const planned = databases.flatMap(({ datasources }) => datasources);
  const declared = parse(content.toString('utf8'), path);
  return 'problem' in declared
    ? [declared.problem]
    : differencesFromPlan(declared, planned).map(
        (difference) =>
          `${path} on the volume ${volume.name} is not what was deployed: ${difference}; add it to the stack and deploy again`,
      );
}

function parse(text: string, path: string) {
  try {
    return parseDeployment(text, path).databases.filter((database) => !isLocalRegistry(database));
  } catch {
    // Never the parser's words: they quote the file, with its passwords.
    return {
      problem: `${path} on the volume cannot be read as deployment.toml: nobody sees whether its databases are protected`,
    };
  }
}
