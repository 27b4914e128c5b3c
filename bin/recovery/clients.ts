/** The clients of one Region, made when they are first asked for. */
import { BackupClient } from '@aws-sdk/client-backup';
import { EFSClient } from '@aws-sdk/client-efs';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import { createS3Client } from '../../lambda/archive/s3-store';

/** Bounded: these commands are for days on which a Region may be gone, which must be an answer and not a hang. */
const BOUNDED = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
} as const;

/** A function that is invoked and waited for answers after 15 minutes at the latest (FACTS: Lambda, 900 s). */
const INVOCATION_TIMEOUT_MS = 905_000;

export class Clients {
  /** @param profile of the shared AWS configuration; default: the credentials in use */
  constructor(
    readonly region: string,
    private readonly profile?: string,
  ) {}

  private get common() {
    return { region: this.region, ...(this.profile === undefined ? {} : { profile: this.profile }) };
  }

  readonly backup = lazily(() => new BackupClient({ ...this.common, ...BOUNDED }));
  readonly rds = lazily(() => new RDSClient({ ...this.common, ...BOUNDED }));
  readonly efs = lazily(() => new EFSClient({ ...this.common, ...BOUNDED }));
  readonly sts = lazily(() => new STSClient({ ...this.common, ...BOUNDED }));
  readonly kms = lazily(() => new KMSClient({ ...this.common, ...BOUNDED }));
  readonly lambda = lazily(() => new LambdaClient({ ...this.common, ...BOUNDED }));
  /** For invocations that are waited for: asked twice, the function would run twice. */
  readonly invoking = lazily(
    () =>
      new LambdaClient({
        ...this.common,
        maxAttempts: 1,
        requestHandler: { connectionTimeout: 5_000, requestTimeout: INVOCATION_TIMEOUT_MS },
      }),
  );
  readonly s3: () => S3Client = lazily(() =>
    createS3Client({
      ...this.common,
      maxAttempts: BOUNDED.maxAttempts,
      // Names in the path: an endpoint of one's own seldom answers for bucket.host.
      ...(process.env['AWS_ENDPOINT_URL'] ? { forcePathStyle: true } : {}),
    }),
  );
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const CONNECTION_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
]);

/** The Region does not answer, or answers that it is out of order; anything else is an answer. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return name === 'TimeoutError' || CONNECTION_ERRORS.has(code ?? '') || ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** In one line; the SDK names some errors by their kind alone. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message.trim().split('\n')[0] ?? '';
  if (text === '' || text === 'UnknownError') return error.name;
  // Names of AWS say what kind of refusal it is; those of JavaScript, and of errors of ours, say nothing.
  return /Error$|^Unknown$/.test(error.name) || text.includes(error.name) ? text : `${error.name}: ${text}`;
}
