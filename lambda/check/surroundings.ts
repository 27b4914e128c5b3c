import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { join } from 'node:path';
import type { CheckEvent } from './contract';
import type { Surroundings } from './check';
import { withConnection } from './databases/with-connection';
import { RestoredKeys } from './encryption/restored-keys';
import { RestoredTree } from './restored-tree';

/** The real surroundings: Secrets Manager, the restored servers, the mounted restore volume, the replica bucket. */
export function surroundingsOf(
  event: CheckEvent,
  secrets: Pick<SecretsManagerClient, 'send'>,
  mountPath: string,
  readManifest: Surroundings['readManifest'],
  readCounts: Surroundings['readCounts'] = () => Promise.resolve({ near: [], any: false }),
): Surroundings {
  const tree = new RestoredTree(join(mountPath, event.drillId), event.volumes);
  return {
    event,
    tree,
    keys: new RestoredKeys(tree, event.restoreDependencies),
    readManifest,
    withConnection: (database, datasource, use) => withConnection(secrets, database, datasource, use),
    readCounts,
    counted: new Map(),
  };
}
