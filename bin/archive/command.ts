/** What the archive commands share: where the archive is, progress, and how an outcome becomes an exit status. */
import { InvalidArgumentError, type Command } from 'commander';
import { messageOf } from '../../lambda/archive/errors';
import { createS3Client, S3Store } from '../../lambda/archive/s3-store';

/** Exit status: fine, the answer is no, bad input or failure, a usable point without some files. */
export const ExitStatus = { ok: 0, no: 1, failed: 2, partly: 3 } as const;

export interface ArchiveLocation {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

/** `s3://BUCKET/PREFIX`, with or without a slash at the end. */
export function archiveLocation(text: string): ArchiveLocation {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be s3://BUCKET/PREFIX.');
  const prefix = (match[2] ?? '').replace(/\/+$/, '');
  return { bucket: match[1]!, prefix: prefix === '' ? '' : `${prefix}/` };
}

export function time(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be a time in ISO 8601, such as 2026-11-24T10:00:00Z.');
  }
  return date;
}

export interface CommonOptions {
  readonly json?: boolean;
  readonly endpointUrl?: string;
  readonly region?: string;
}

export const withCommonOptions = (command: Command): Command =>
  command
    .option('--json', 'print JSON')
    .option('--region <region>', 'Region of the bucket (default: that of the AWS configuration)')
    .option('--endpoint-url <url>', 'another S3 endpoint than that of AWS');

export function openStore({ bucket, prefix }: ArchiveLocation, options: CommonOptions): S3Store {
  const { endpointUrl: endpoint, region } = options;
  const client = createS3Client({
    ...(region ? { region } : {}),
    // Names in the path: an endpoint of one's own seldom answers for bucket.host.
    ...(endpoint
      ? { endpoint, forcePathStyle: true }
      : process.env['AWS_ENDPOINT_URL']
        ? { forcePathStyle: true }
        : {}),
  });
  return new S3Store(client, bucket, prefix);
}

/** Runs a command: prints its result, or what went wrong, and sets the exit status. */
export async function run<T>(
  options: CommonOptions,
  work: () => Promise<T>,
  render: (result: T) => { readonly text: string; readonly status: number },
): Promise<void> {
  try {
    const result = await work();
    clearProgress();
    const { text, status } = render(result);
    process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : `${text}\n`);
    process.exitCode = status;
  } catch (error) {
    clearProgress();
    if (options.json) process.stdout.write(`${JSON.stringify({ error: messageOf(error) }, undefined, 2)}\n`);
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = ExitStatus.failed;
  }
}

/** One line that is written over, on a terminal only. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function clearProgress(): void {
  showProgress('');
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
