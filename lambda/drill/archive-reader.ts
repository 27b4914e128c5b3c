import type { S3Client } from '@aws-sdk/client-s3';
import type { Authenticator } from '../archive/authenticity';
import { listPoints } from '../archive/points';
import { S3Store } from '../archive/s3-store';
import { withLocks } from './archive-lock';
import type { ArchiveReader } from './find-points';

/**
 * The archives in the bucket of the site. What is not authentic is not usable; where that was told, who restores it by the name of
 * its manifest, which holds its SHA-256, need not ask again.
 *
 * @param isLocked the bucket has object lock: what it does not protect is told
 */
export function archiveReader(
  client: S3Client,
  bucket: string,
  authenticator: Authenticator | undefined,
  isLocked: boolean,
): ArchiveReader {
  return {
    listPoints: async (prefix) => {
      const points = (await listPoints(new S3Store(client, bucket, prefix), authenticator)).map(
        ({ manifestKey, header, complete, problems, authentic, suspicion }) => ({
          manifestKey,
          // A manifest that cannot be read has no time; its place in time is of no matter, since it is never used.
          startedAt: header?.startedAt ?? new Date(0).toISOString(),
          ...(complete && header !== undefined ? suspicious(suspicion) : { unusable: reasonOf(problems) }),
          ...(authentic === false && { notAuthentic: true as const }),
        }),
      );
      return isLocked ? withLocks(points, client, bucket, new Date()) : points;
    },
  };
}

/** As a point that a person marked: see suspicion.ts. */
export const suspicious = (suspicion: string | undefined) =>
  suspicion === undefined ? {} : { unusable: `marked suspicious by its export: ${suspicion}` };

const NAMED_PROBLEMS = 3;

function reasonOf(problems: readonly string[]): string {
  const rest = problems.length - NAMED_PROBLEMS;
  return problems.slice(0, NAMED_PROBLEMS).join('; ') + (rest > 0 ? ` and ${rest} more` : '');
}
