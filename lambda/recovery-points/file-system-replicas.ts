import { type EFSClient, paginateDescribeReplicationConfigurations } from '@aws-sdk/client-efs';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import type { RestorableWindow } from '../drill/restorable-window';

const TECHNIQUE = 'efs-replication';

export const isReplicated = (plan: RecoveryPlanDocument['plan'], volume: string): boolean =>
  plan.some(({ component, site, technique }) => component === volume && site === 'dr-site' && technique === TECHNIQUE);

/**
 * How far the replicas of a file system in this Region have come: what was changed before `LastReplicatedTimestamp` is in them
 * (EFS API, `Destination`). All replications of the Region are listed and told apart by their source, since the replica has
 * no name that the plan could know.
 */
export async function replicasOf(fileSystemArn: string, efs: EFSClient): Promise<RestorableWindow[]> {
  const region = await efs.config.region();
  const windows: RestorableWindow[] = [];
  for await (const page of paginateDescribeReplicationConfigurations({ client: efs }, {})) {
    for (const { SourceFileSystemArn, Destinations = [] } of page.Replications ?? []) {
      if (SourceFileSystemArn !== fileSystemArn) continue;
      for (const { Region, FileSystemId, Status, LastReplicatedTimestamp } of Destinations) {
        if (Region !== region) continue;
        const source = { id: FileSystemId ?? fileSystemArn, technique: TECHNIQUE } as const;
        const latest = LastReplicatedTimestamp?.toISOString();
        windows.push(
          latest === undefined
            ? { ...source, unusable: `its status is ${Status}, and it was never synchronized` }
            : { ...source, earliest: latest, latest },
        );
      }
    }
  }
  return windows;
}
