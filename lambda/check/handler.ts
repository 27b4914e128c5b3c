import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createS3Client } from '../archive/s3-store';
import { checkBoot } from './boot';
import { type BootEvent, isBootEvent } from './boot-contract';
import { countsReader } from './counts-reader';
import type { CheckEvent, CheckResult } from './contract';
import { manifestReader } from './manifest-reader';
import { CHECKS, runChecks } from './run-checks';
import { surroundingsOf } from './surroundings';

const s3 = createS3Client();
const secrets = new SecretsManagerClient({});

export function handler(event: CheckEvent | BootEvent): Promise<CheckResult> {
  if (isBootEvent(event)) return checkBoot(event, { readSecret, nowMs: () => performance.now() });
  const bucket = required('BUCKET');
  const readCounts = countsReader(s3, bucket, event.deployment);
  const surroundings = surroundingsOf(event, secrets, required('MOUNT_PATH'), manifestReader(s3, bucket), readCounts);
  const checks = CHECKS.filter(({ name }) => event.only?.includes(name) ?? true);
  return runChecks(surroundings, () => performance.now(), checks);
}

async function readSecret(arn: string): Promise<string | undefined> {
  return (await secrets.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`environment of the check function lacks ${name}: deploy the recovery site's stack again`);
  }
  return value;
}
