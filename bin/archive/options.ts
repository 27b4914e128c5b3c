/** What the archive commands share: where the archive is. */
import { InvalidArgumentError, type Command } from 'commander';
import { time } from '../arguments';

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
