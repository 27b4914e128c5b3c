/** The S3 server that all contenders write to. */
import type { S3Client } from '@aws-sdk/client-s3';

export interface ObjectServer {
  readonly name: string;
  readonly endpoint: string;
  /** What clients need in their environment, endpoint left out. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly client: S3Client;
  /** Removes a bucket and everything in it. */
  discard(bucket: string): Promise<void>;
  stop(): Promise<void>;
}

export const REGION = 'us-east-1';
