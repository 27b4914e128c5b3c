/** What the archive commands share: where the archive is. */
import { InvalidArgumentError, type Command } from 'commander';
import { notEmpty, time } from '../arguments';

export interface ArchiveLocation {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

/** `s3://BUCKET/PREFIX`, with or without a slash at the end. */
export function archiveLocation(text: string): ArchiveLocation {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text);
  if (!match) {
    throw new InvalidArgumentError(
      'It must be s3://BUCKET/PREFIX; the name of a bucket has 3 to 63 lower-case letters, digits, dots and hyphens.',
    );
  }
  const prefix = (match[2] ?? '').replace(/\/+$/, '');
  // What is on the way to the server would make of `..` another key, perhaps in another bucket.
  if (prefix !== '' && prefix.split('/').some((segment) => /^\.{0,2}$/.test(segment))) {
    throw new InvalidArgumentError('Between its slashes the prefix must have names, not `.`, `..` or nothing.');
  }
  return { bucket: match[1]!, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** Of one that is right, somebody would know. */
export const noPointIn = (archive: string): string => `no point is in ${archive}: is the prefix right?`;

export interface CommonOptions {
  readonly json?: boolean;
  readonly endpointUrl?: string;
  readonly region?: string;
}

export const withCommonOptions = (command: Command): Command =>
  command
    .option('--json', 'print JSON')
    .option('--region <region>', 'Region of the bucket (default: that of the AWS configuration)', notEmpty)
    .option('--endpoint-url <url>', 'another S3 endpoint than that of AWS', endpoint);

function endpoint(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new InvalidArgumentError('It must be a URL such as https://s3.example.com.');
  }
  return text;
}

export interface SigningOptions extends CommonOptions {
  readonly macKey?: readonly string[];
  readonly acceptUnsigned?: boolean;
}

/** Of commands that ask who made a point, or make one. */
export const withMacKey = (command: Command, what: string): Command =>
  command
    .option(
      '--mac-key <arn>',
      `multi-Region HMAC key of KMS: ${what}; repeatable, where several are trusted`,
      (arn: string, all: string[] = []) => [...all, macKey(arn)],
    )
    .option('--accept-unsigned', 'with --mac-key: points that nobody signed are good as well');

function macKey(text: string): string {
  if (/^arn:[^:]+:kms:[^:]+:[^:]+:key\/[0-9a-z-]+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/mrk-...');
}

export interface ReadingOptions extends SigningOptions {
  readonly asOf?: Date;
}

/** Of commands that change nothing. */
export const withReadingOptions = (command: Command): Command =>
  withMacKey(withCommonOptions(command), 'points that it did not sign are not usable').option(
    '--as-of <time>',
    'read the bucket as it was at this time, by the versions of its objects (ISO 8601)',
    time,
  );
