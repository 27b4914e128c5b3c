/** A program that is measured: how it is told to do each operation. */
import type { Command } from '../measure/execute';

/** Where a contender keeps its archive. */
export interface Archive {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** A folder of the contender's own on a memory-backed disk, kept as long as the archive. */
  readonly cacheDir: string;
  /** Its home, kept as long as the benchmark runs: as on a machine where it was used before. */
  readonly homeDir: string;
}

export interface Contender {
  readonly name: string;
  readonly version: string;
  /** What a restore brings back: everything, or content without modes and owners. */
  readonly keeps: 'everything' | 'content';
  /** Measured in the first round only: it takes many times as long. */
  readonly slow?: true;
  /** Once for an archive, not timed; the bucket is there. */
  initialise?(archive: Archive): Command;
  /** The first time everything, later what changed. */
  export(tree: string, archive: Archive): Command;
  /** `target` does not exist. */
  restore(archive: Archive, target: string): Command;
  /** Reads all data and compares it with its checksums. */
  verify?(archive: Archive): Command;
  /** Without it, each export is a full one. */
  readonly incremental: boolean;
}

/** What the SDKs of all languages read, and where a program keeps things. */
export const awsEnvironment = ({ credentials, homeDir }: Archive, region: string): Record<string, string> => ({
  HOME: homeDir,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: region,
  AWS_EC2_METADATA_DISABLED: 'true',
});
