import type { S3Client } from '@aws-sdk/client-s3';
import type { ArchiveReader } from './find-points';

/** The archive engine over the replica bucket. */
export function archiveReader(_s3: S3Client, _bucket: string): ArchiveReader {
  return { listPoints: () => Promise.reject(new Error('not connected yet')) };
}
