import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createS3Client } from '../archive/s3-store';
import { withConnection } from '../check/databases/with-connection';
import { requireEnvironment } from '../shared/environment';
import type { CountEvent, CountResult } from './contract';
import { countRows } from './count-rows';

const s3 = createS3Client();
const secrets = new SecretsManagerClient({});

export function handler(event: CountEvent): Promise<CountResult> {
  const { BUCKET } = requireEnvironment(['BUCKET']);
  return countRows(event, {
    s3,
    bucket: BUCKET,
    now: () => new Date(),
    withConnection: (database, datasource, use) => withConnection(secrets, database, datasource, use),
  });
}
