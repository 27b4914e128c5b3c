import { archivePrefix } from '../../lib/private/bucket-layout';
import { createS3Client, S3Store } from '../archive/s3-store';
import { DirectoryVolume } from '../archive/volume';
import { requireEnvironment } from '../shared/environment';
import { createLogger } from '../shared/log';
import { exportTurn } from './export-turn';

const s3 = createS3Client();

export async function handler(event: unknown, context: { getRemainingTimeInMillis(): number }) {
  const environment = requireEnvironment(['BUCKET', 'DEPLOYMENT', 'VOLUME', 'MOUNT_PATH']);
  const turnSeconds = process.env['TURN_SECONDS'];
  return exportTurn(event, {
    deployment: environment.DEPLOYMENT,
    volumeName: environment.VOLUME,
    mountedAt: process.env['MOUNTED_AT'] ?? 'repository',
    volume: new DirectoryVolume(environment.MOUNT_PATH),
    store: new S3Store(s3, environment.BUCKET, archivePrefix(environment.DEPLOYMENT, environment.VOLUME)),
    log: createLogger({ function: 'export-turn', deployment: environment.DEPLOYMENT, volume: environment.VOLUME }),
    remainingMs: () => context.getRemainingTimeInMillis(),
    ...(turnSeconds ? { turnMs: Number(turnSeconds) * 1000 } : {}),
  });
}
