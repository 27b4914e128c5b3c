/** What the archive commands share: where the archive is, progress, and how an outcome becomes an exit status. */
import { InvalidArgumentError, type Command } from 'commander';
import { messageOf } from '../../lambda/archive/errors';
import type { ObjectStore } from '../../lambda/archive/object-store';
import { PastStore } from '../../lambda/archive/past-store';
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

export interface ReadingOptions extends CommonOptions {
  readonly asOf?: Date;
}

/** Of commands that change nothing. */
export const withReadingOptions = (command: Command): Command =>
  withCommonOptions(command).option(
    '--as-of <time>',
    'read the bucket as it was at this time, by the versions of its objects (ISO 8601)',
    time,
  );

/** For reading alone. */
export async function openToRead(archive: ArchiveLocation, options: ReadingOptions): Promise<ObjectStore> {
  const store = openStore(archive, options);
  return options.asOf ? PastStore.open(store, options.asOf) : store;
}

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

export interface Amount {
  readonly done: number;
  /** Undefined where nobody knows yet. */
  readonly total?: number | undefined;
}

const REDRAW_MS = 100;

/** Shows how far a command is: how many of what, how many bytes, how fast, how long it will take. */
export function progressOf(what: string, now: () => number = () => performance.now()) {
  const started = now();
  let drawn = -Infinity;
  return (items: Amount, bytes: Amount): void => {
    const time = now();
    if (time - drawn < REDRAW_MS) return;
    drawn = time;
    showProgress(progressText(what, items, bytes, (time - started) / 1000));
  };
}

/** @param seconds since it began */
export function progressText(what: string, items: Amount, bytes: Amount, seconds: number): string {
  const count = (value: number) => value.toLocaleString('en');
  const of = items.total === undefined ? '' : ` of ${count(items.total)}`;
  const rate = seconds > 0 ? `, ${formatBytes(Math.round(bytes.done / seconds))}/s` : '';
  const base = bytes.total === undefined ? items : bytes;
  const part = base.total ? base.done / base.total : 0;
  const left = part > 0 && part < 1 ? `, ${formatSeconds((seconds / part) * (1 - part))} left` : '';
  return `${count(items.done)}${of} ${what}, ${formatBytes(bytes.done)}${rate}${left}`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The first lines, and how many there are besides. */
export function firstLines<T>(items: readonly T[], line: (item: T) => string, what: string, most = 10): string[] {
  const rest = items.length - most;
  return [...items.slice(0, most).map(line), ...(rest > 0 ? [`and ${rest} more ${what}`] : [])];
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}
