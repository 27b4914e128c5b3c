import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createS3Client } from '../archive/s3-store';
import type { CheckEvent, CheckResult } from './contract';
import { manifestReader } from './manifest-reader';
import { runChecks } from './run-checks';
import { surroundingsOf } from './surroundings';

const s3 = createS3Client();
const secrets = new SecretsManagerClient({});

export function handler(event: CheckEvent): Promise<CheckResult> {
  const readManifest = manifestReader(s3, required('BUCKET'));
  return runChecks(surroundingsOf(event, secrets, required('MOUNT_PATH'), readManifest), () => performance.now());
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`environment of the check function lacks ${name}: deploy the recovery site's stack again`);
  }
  return value;
}
