import { createS3Client, S3Store } from '../archive/s3-store';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import { type AnyResult, restoreArtifacts } from './restore-artifacts';

const s3 = createS3Client();

export async function handler(event: unknown): Promise<AnyResult> {
  const { BUCKET, MOUNT_PATH } = requireEnvironment(['BUCKET', 'MOUNT_PATH']);
  return restoreArtifacts(event, {
    mountPath: MOUNT_PATH,
    storeOf: (prefix) => new S3Store(s3, BUCKET, prefix),
    log: createLogger({ function: 'restore' }),
  });
}
