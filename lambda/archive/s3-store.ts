import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectRetentionCommand,
  S3Client,
  S3ServiceException,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import pRetry from 'p-retry';
import { TRANSIENT_TAG } from '../../lib/private/bucket-layout';
import { ArchiveDamagedError, ArchiveError, messageOf, ObjectLockedError } from './errors';
import type { ByteRange, DefaultRetention, ListedObject, ObjectHead, ObjectStore, PutOptions } from './object-store';
import { Downloads, type SignedRequest } from './s3-download';

const CONNECT_MS = 5_000;
const REQUEST_MS = 60_000;

/** Clients of the archive: bounded in time and in attempts, so that a lost network is an error and not a hang. */
export const createS3Client = (config: S3ClientConfig = {}): S3Client =>
  new S3Client({
    maxAttempts: 5,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS, throwOnRequestTimeout: true },
    // Whatever comes back is compared with the SHA-256 that its name or the manifest says: once is enough.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...config,
  });

/** One that was written, or the mark of a deletion. */
export interface ObjectVersion extends ListedObject {
  readonly versionId: string;
  readonly deleted: boolean;
}

/** An archive in an S3 bucket, under a prefix that is empty or ends with a slash. */
export class S3Store implements ObjectStore {
  readonly description: string;
  readonly #downloads = new Downloads();
  /** The server has answered with the checksum of what it was sent. */
  #answersChecksums = false;

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    readonly prefix: string,
  ) {
    if (prefix !== '' && !prefix.endsWith('/'))
      throw new ArchiveError(`\`prefix\` must end with a slash, got ${prefix}`);
    this.description = `s3://${bucket}/${prefix}`;
  }

  async put(key: string, body: Buffer, sha256: string, { renew = false, transient = false }: PutOptions = {}) {
    const tags = transient ? { Tagging: `${encodeURIComponent(TRANSIENT_TAG.key)}=${TRANSIENT_TAG.value}` } : {};
    const result = await this.#put(key, body, sha256, { IfNoneMatch: '*', ...tags });
    if (result === 'exists' && renew) await this.#put(key, body, sha256, tags);
    return result;
  }

  async #put(
    key: string,
    body: Buffer,
    sha256: string,
    more: Pick<PutObjectCommandInput, 'IfNoneMatch' | 'Tagging'>,
  ): Promise<'created' | 'exists'> {
    const input = {
      ...this.#object(key),
      Body: body,
      ContentLength: body.length,
      ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      ...more,
    };
    // 409: another conditional write of this key is under way. S3 asks for a repeat, the SDK does not make one.
    const attempt = () =>
      this.client.send(withPayloadHash(new PutObjectCommand(input), (host) => this.#payloadHash(host, sha256))).then(
        ({ ChecksumSHA256 }) => {
          if (ChecksumSHA256 !== undefined && ChecksumSHA256 !== input.ChecksumSHA256) {
            throw new ArchiveDamagedError(this.prefix + key, 'another SHA-256 is stored than was written');
          }
          this.#answersChecksums ||= ChecksumSHA256 !== undefined;
          return 'created' as const;
        },
        (error: unknown) => {
          if (statusOf(error) === 412) return 'exists' as const;
          throw error;
        },
      );
    try {
      return await pRetry(attempt, {
        retries: 4,
        minTimeout: 200,
        shouldRetry: ({ error }) => statusOf(error) === 409,
      });
    } catch (error) {
      if (error instanceof ArchiveError) throw error;
      throw this.#explain('s3:PutObject', key, error);
    }
  }

  /**
   * What the signature says of the body. Its checksum is in a header, which is signed: a server that compares it need not hash the
   * body once more for the signature, which takes a tenth of a full export where both are on one machine. To AWS it is always
   * said: nobody waits for it there, and a bucket's policy may refuse what does not say it.
   */
  #payloadHash(host: string, sha256: string): string {
    return this.#answersChecksums && !isOfAws(host) ? UNSIGNED_PAYLOAD : sha256;
  }

  /** @param versionId default: the current version */
  async get(key: string, range?: ByteRange, into?: Uint8Array, versionId?: string): Promise<Buffer | undefined> {
    const Range = range && `bytes=${range.offset}-${range.offset + range.length - 1}`;
    const attempt = async () => {
      const command = new GetObjectCommand({ ...this.#object(key), Range, VersionId: versionId });
      const download = into && this.#downloadInto(command, into);
      const { Body, ContentLength } = await this.client.send(command);
      const bytes = download?.();
      if (bytes !== undefined) return Buffer.from(into!.buffer, into!.byteOffset, bytes);
      return collect(Body as Readable, ContentLength);
    };
    try {
      // The SDK repeats requests; an answer that breaks off in its middle is no concern of its any more.
      return await pRetry(attempt, {
        retries: 4,
        minTimeout: 200,
        shouldRetry: ({ error }) => !(error instanceof S3ServiceException),
      });
    } catch (error) {
      // Not satisfiable: the object ends before the range begins; the caller sees that it is too short.
      if (statusOf(error) === 416) return Buffer.alloc(0);
      if (error instanceof S3ServiceException && /^NoSuch(Key|Version)$/.test(error.name)) return undefined;
      throw this.#explain('s3:GetObject', key, error);
    }
  }

  /** @returns how many bytes came into that memory; undefined when they are in the command's answer after all */
  #downloadInto(command: GetObjectCommand, into: Uint8Array): () => number | undefined {
    let bytes: number | undefined;
    const { connectionTimeout = CONNECT_MS, requestTimeout = REQUEST_MS } = timeoutsOf(this.client);
    command.middlewareStack.add(
      (next) => async (args) => {
        const timeouts = { connectMs: connectionTimeout, idleMs: requestTimeout };
        const download = await this.#downloads
          .get(args.request as SignedRequest, into, timeouts)
          // Without the code by which the SDK would know it for one to repeat: `get` does, and each would multiply the other.
          .catch((error: unknown) => Promise.reject(new Error(messageOf(error))));
        bytes = download?.bytes;
        if (!download) return next(args);
        const { status, headers } = download;
        return { response: { statusCode: status, headers, body: Readable.from([]) } } as never;
      },
      // In place of the SDK's own transport, behind all that it does to a request.
      { step: 'deserialize', name: 'download', priority: 'low' },
    );
    return () => bytes;
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const head = await this.client.send(new HeadObjectCommand({ ...this.#object(key), ChecksumMode: 'ENABLED' }));
      const sha256 = head.ChecksumSHA256 && Buffer.from(head.ChecksumSHA256, 'base64').toString('hex');
      return {
        bytes: head.ContentLength ?? 0,
        sha256,
        modified: head.LastModified ?? new Date(0),
        ...(head.ObjectLockRetainUntilDate ? { lockedUntil: head.ObjectLockRetainUntilDate } : {}),
      };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#explain('s3:GetObject', key, error);
    }
  }

  async *list(keyPrefix: string): AsyncIterable<ListedObject> {
    const input = { Bucket: this.bucket, Prefix: this.prefix + keyPrefix };
    try {
      for await (const page of paginateListObjectsV2({ client: this.client }, input)) {
        // An empty archive and one that could not be listed must not look alike.
        if (page.IsTruncated === undefined || (page.IsTruncated && !page.NextContinuationToken)) {
          throw new Error('the answer is no list, or does not say where it goes on');
        }
        for (const { Key, Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
          if (Key !== undefined) yield { key: Key.slice(this.prefix.length), bytes: Size, modified: LastModified };
        }
      }
    } catch (error) {
      throw this.#explain('s3:ListBucket', keyPrefix, error);
    }
  }

  /** All versions, and the marks of deletions, in no order. */
  async *listVersions(): AsyncIterable<ObjectVersion> {
    const input = { Bucket: this.bucket, Prefix: this.prefix };
    let from: { readonly KeyMarker?: string | undefined; readonly VersionIdMarker?: string | undefined } = {};
    try {
      for (;;) {
        const page = await this.client.send(new ListObjectVersionsCommand({ ...input, ...from }));
        if (page.IsTruncated === undefined || (page.IsTruncated && !page.NextKeyMarker)) {
          throw new Error('the answer is no list, or does not say where it goes on');
        }
        const versions = (page.Versions ?? []).map((version) => ({ ...version, deleted: false }));
        const markers = (page.DeleteMarkers ?? []).map((marker) => ({ ...marker, Size: 0, deleted: true }));
        for (const { Key = '', VersionId = '', Size = 0, LastModified, deleted } of [...versions, ...markers]) {
          const modified = LastModified ?? new Date(0);
          yield { key: Key.slice(this.prefix.length), versionId: VersionId, bytes: Size, modified, deleted };
        }
        if (!page.IsTruncated) return;
        from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      }
    } catch (error) {
      throw this.#explain('s3:ListBucketVersions', '', error);
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand(this.#object(key)));
    } catch (error) {
      if (statusOf(error) === 403 && (await this.#isLocked(key))) throw new ObjectLockedError(this.prefix + key);
      throw this.#explain('s3:DeleteObject', key, error);
    }
  }

  /** What S3 answers does not tell a lock from a permission that is not given. */
  async #isLocked(key: string): Promise<boolean> {
    const head = await this.client.send(new HeadObjectCommand(this.#object(key))).catch(() => undefined);
    return head?.ObjectLockLegalHoldStatus === 'ON' || (head?.ObjectLockRetainUntilDate ?? new Date(0)) > new Date();
  }

  async time(): Promise<Date> {
    let date: string | undefined;
    const command = new ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.prefix, MaxKeys: 1 });
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        date = (result.response as { headers: Record<string, string> }).headers['date'];
        return result;
      },
      { step: 'deserialize', name: 'serverDate' },
    );
    try {
      await this.client.send(command);
    } catch (error) {
      throw this.#explain('s3:ListBucket', '', error);
    }
    if (date === undefined) throw new ArchiveError(`${this.description}: the server does not tell the time`);
    return new Date(date);
  }

  async defaultRetention(): Promise<DefaultRetention | undefined> {
    try {
      const { ObjectLockConfiguration } = await this.client.send(
        new GetObjectLockConfigurationCommand({ Bucket: this.bucket }),
      );
      const { Mode, Days, Years } = ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
      const days = Days ?? (Years ?? 0) * 365;
      return Mode && days > 0 ? { mode: Mode, days } : undefined;
    } catch (error) {
      // Not every bucket has it, not every server knows of it.
      const status = statusOf(error);
      if (status === 404 || status === 400 || status === 405 || status === 501) return undefined;
      throw this.#explain('s3:GetBucketObjectLockConfiguration', '', error);
    }
  }

  async extendLock(key: string, until: Date): Promise<void> {
    try {
      const head = await this.client.send(new HeadObjectCommand(this.#object(key)));
      const Mode = head.ObjectLockMode ?? (await this.defaultRetention())?.mode;
      if (!Mode || (head.ObjectLockRetainUntilDate ?? new Date(0)) >= until) return;
      await this.client.send(
        new PutObjectRetentionCommand({ ...this.#object(key), Retention: { Mode, RetainUntilDate: until } }),
      );
    } catch (error) {
      throw this.#explain('s3:PutObjectRetention', key, error);
    }
  }

  #object(key: string) {
    return { Bucket: this.bucket, Key: this.prefix + key };
  }

  #explain(action: string, key: string, error: unknown): ArchiveError {
    const where = `s3://${this.bucket}/${this.prefix}${key}`;
    return new ArchiveError(`${action} of ${where} failed: ${whatOf(action, error)}`, { cause: error });
  }
}

const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** Of every partition, interface endpoints too: by the DNS suffixes of the SDK's endpoint rules (2026-11). */
export const isOfAws = (host: string): boolean =>
  /\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|on\.aws|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)$/.test(
    host,
  );

/** The hash that a signature covers is known already: the SDK would make it a second time. */
function withPayloadHash(command: PutObjectCommand, hashFor: (host: string) => string): PutObjectCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers, hostname } = args.request as { headers: Record<string, string>; hostname: string };
      headers['x-amz-content-sha256'] = hashFor(hostname);
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  return command;
}

/** Of the client's own transport, as far as they are known: it says so from its first request on. */
const timeoutsOf = ({ config }: S3Client) =>
  (config.requestHandler as NodeHttpHandlerLike).httpHandlerConfigs?.() ?? {};

interface NodeHttpHandlerLike {
  httpHandlerConfigs?(): { readonly connectionTimeout?: number; readonly requestTimeout?: number };
}

/** The whole body in memory of its own, which can go to another thread; fails when it is shorter than was said. */
async function collect(body: Readable, length: number | undefined): Promise<Buffer> {
  if (length === undefined) return Buffer.concat((await body.toArray()) as Buffer[]);
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (at + chunk.length > length) throw new Error(`the answer is longer than the ${length} bytes that it said`);
    whole.set(chunk, at);
    at += chunk.length;
  }
  if (at !== length) throw new Error(`the answer ended after ${at} of ${length} bytes`);
  return whole;
}

/** What went wrong, and what to do about it. */
function whatOf(action: string, error: unknown): string {
  const refusal = error instanceof S3ServiceException ? REFUSALS[error.name] : undefined;
  if (refusal !== undefined) return refusal;
  // A redirect: of HEAD without a body, so without a name.
  if (statusOf(error) === 301) return otherRegion(error as S3ServiceException);
  if (statusOf(error) === 403) return `access denied: allow ${action} on it, and the use of the bucket's KMS key`;
  if (error instanceof S3ServiceException && error.name === 'NoSuchBucket') return 'there is no such bucket';
  const message = messageOf(error);
  if (message === 'Region is missing') return 'no Region is configured: give --region, or set AWS_REGION';
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    return noCredentials(message);
  }
  return message;
}

/** What the SDK says, and what to do. */
export const noCredentials = (message: string): string =>
  `no credentials are configured (${message}): log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;

const KEYS = 'log in again, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY anew';
const REGION = 'the request was signed for another Region than that of the bucket: give --region, or set AWS_REGION';

/** What S3 calls errors that say neither a missing permission nor what to do. */
const REFUSALS: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: 'the clock of this machine is more than 15 minutes wrong: set it',
  ExpiredToken: `the credentials have expired: ${KEYS}`,
  InvalidAccessKeyId: `the access key is not known to this endpoint: ${KEYS}`,
  InvalidToken: `the session token does not belong to the access key: ${KEYS}`,
  SignatureDoesNotMatch: `the secret key does not belong to the access key: ${KEYS}`,
  AuthorizationHeaderMalformed: REGION,
};

function otherRegion(error: S3ServiceException): string {
  const region = error.$response?.headers['x-amz-bucket-region'];
  return region === undefined ? REGION : `the bucket is in ${region}: give --region ${region}, or set AWS_REGION`;
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
