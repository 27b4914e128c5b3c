import { GetObjectRetentionCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { ArchivePoint } from './find-points';

/** S3 takes thousands a second; an archive may have as many points. */
const IN_FLIGHT = 16;

/**
 * Of points in a bucket with object lock: which of their manifests it does not protect, or not any more. Packs and pages are locked as long as a
 * manifest needs them (docs/archive-keeping.md).
 */
export async function withLocks(
  points: readonly ArchivePoint[],
  client: Pick<S3Client, 'send'>,
  bucket: string,
  now: Date,
): Promise<ArchivePoint[]> {
  return pMap(
    points,
    async (point) => {
      if (point.unusable !== undefined) return point;
      const until = await lockedUntil(client, bucket, point.manifestKey);
      const outsideLock = outside(until, now);
      return outsideLock === undefined ? point : { ...point, outsideLock };
    },
    { concurrency: IN_FLIGHT },
  );
}

/** Why the object lock does not protect what is locked until then; undefined: it does. */
export function outside(until: Date | undefined, now: Date): string | undefined {
  if (until === undefined) return 'its manifest has no object lock';
  return until > now ? undefined : `the object lock of its manifest ended at ${until.toISOString()}`;
}

async function lockedUntil(client: Pick<S3Client, 'send'>, Bucket: string, Key: string): Promise<Date | undefined> {
  try {
    return (await client.send(new GetObjectRetentionCommand({ Bucket, Key }))).Retention?.RetainUntilDate;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchObjectLockConfiguration') return undefined;
    throw error;
  }
}
