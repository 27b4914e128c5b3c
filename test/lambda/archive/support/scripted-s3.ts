/**
 * An S3 that fails by script: a real HTTP server on loopback, for the real SDK. It keeps to the protocol as far as the
 * archive uses it, refuses what S3 would refuse, and every request can be made to go wrong.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3Client, S3Store } from '../../../../lambda/archive';
import { Bucket, type BucketOptions, S3Problem } from './bucket';

export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'PutObjectRetention'
  | 'GetObjectRetention'
  | 'GetBucketVersioning'
  | 'GetObjectLockConfiguration'
  | 'CreateMultipartUpload';

export interface S3Request {
  /** From 1, over all requests of this server. */
  readonly number: number;
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** What goes wrong with one request. */
export type Fault =
  /** An error of S3; nothing is done. */
  | { readonly status: number; readonly code: string }
  /** 200 with no header and no body; nothing is done. */
  | { readonly okWithNothing: true }
  /** 200, and an error in the body; nothing is done. */
  | { readonly okWithError: string }
  /** The connection ends: before the body was taken, after the answer's first half, or after it was done without a word. */
  | { readonly cut: 'in request' | 'in response' | 'instead of response' }
  /** Done, and answered with this error all the same. */
  | { readonly doneBut: number; readonly code: string }
  /** PutObject: success is claimed, but this is what is stored of the body; undefined stores nothing. Its checksum is
   * that of what was sent, or, when it says so, of what is stored. */
  | { readonly stores: (body: Buffer) => Buffer | undefined; readonly saysSo?: boolean }
  /** PutObject: as it should be, answered without a checksum. */
  | { readonly silent: true }
  /** As it should be, after a while. */
  | { readonly delayMs: number }
  /** As it should be, the body in pieces of so many bytes. */
  | { readonly piecesOf: number }
  /** No answer. */
  | { readonly hang: true };

export type Script = (request: S3Request) => Fault | undefined | Promise<Fault | undefined>;

const NO_FAULT: Script = () => undefined;

export class ScriptedS3 {
  readonly buckets = new Map<string, Bucket>();
  readonly requests: S3Request[] = [];
  /** Asked before each request is done. */
  script: Script = NO_FAULT;
  /** Told of each request that was done, before it is answered. */
  afterwards: (request: S3Request) => void | Promise<void> = () => {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<ScriptedS3> {
    const s3 = new ScriptedS3();
    await new Promise<void>((resolve) => s3.#server.listen(0, '127.0.0.1', resolve));
    return s3;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For a process that uses the SDK's usual environment. */
  get env(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
  }

  bucket(name: string, options: BucketOptions = {}): Bucket {
    const bucket = this.buckets.get(name) ?? new Bucket(options);
    this.buckets.set(name, bucket);
    return bucket;
  }

  /** The real store over the real SDK, with less patience. */
  store(bucket: string, prefix = '', patienceMs = 1_500): S3Store {
    const client = createS3Client({
      endpoint: this.endpoint,
      region: 'eu-west-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { connectionTimeout: 2_000, requestTimeout: patienceMs, throwOnRequestTimeout: true },
    });
    return new S3Store(client, bucket, prefix);
  }

  operations(operation: Operation): readonly S3Request[] {
    return this.requests.filter((request) => request.operation === operation);
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = randomUUID();
    response.setHeader('x-amz-request-id', id);
    try {
      const request = this.#parse(incoming);
      this.requests.push(request);
      const fault = await this.script(request);
      if (fault && 'cut' in fault && fault.cut === 'in request') {
        incoming.once('data', () => incoming.socket.destroy());
        if (request.operation !== 'PutObject') incoming.socket.destroy();
        return;
      }
      if (fault && 'hang' in fault) return;
      const body = await bodyOf(incoming);
      if (fault && 'delayMs' in fault) await sleep(fault.delayMs);
      if (fault && 'status' in fault) throw new S3Problem(fault.status, fault.code, 'scripted');
      if (fault && 'okWithError' in fault) throw new S3Problem(200, fault.okWithError, 'scripted');
      if (fault && 'okWithNothing' in fault) {
        response.end();
        return;
      }
      const answer = this.#answer(request, body, fault);
      await this.afterwards(request);
      if (fault && 'doneBut' in fault) throw new S3Problem(fault.doneBut, fault.code, 'scripted');
      if (fault && 'cut' in fault && fault.cut === 'instead of response') {
        incoming.socket.destroy();
        return;
      }
      await send(request, response, answer, fault);
    } catch (error) {
      if (!(error instanceof S3Problem)) {
        // A test must not take a fault of this server for one that it scripted.
        console.error(error);
        incoming.socket.destroy();
        return;
      }
      const head = incoming.method === 'HEAD';
      response.statusCode = error.status;
      response.setHeader('content-type', 'application/xml');
      response.end(
        head ? undefined : `${XML}<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`,
      );
    }
  }

  #parse(incoming: IncomingMessage): S3Request {
    const url = new URL(incoming.url!, this.endpoint);
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const query = url.searchParams;
    const key = decodeURIComponent(rest.join('/'));
    const operation = operationOf(incoming.method!, key, query);
    if (!incoming.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
      throw new S3Problem(403, 'AccessDenied', 'the request is not signed');
    }
    return { number: this.requests.length + 1, operation, bucket, key, query, headers: incoming.headers };
  }

  #answer({ operation, bucket: name, key, query, headers }: S3Request, body: Buffer, fault: Fault | undefined): Answer {
    const bucket = this.buckets.get(name);
    if (!bucket) throw new S3Problem(404, 'NoSuchBucket', 'The specified bucket does not exist');
    const header = (field: string) => headers[field] as string | undefined;
    const versionId = query.get('versionId') ?? undefined;
    switch (operation) {
      case 'PutObject': {
        checkBody(header, body);
        const stored = fault && 'stores' in fault ? fault.stores(body) : body;
        const version = stored && bucket.put(key, stored, header);
        const isSilent = fault !== undefined && 'silent' in fault;
        const honest = fault && 'stores' in fault && fault.saysSo && stored;
        const checksum = honest
          ? createHash('sha256').update(honest).digest('base64')
          : header('x-amz-checksum-sha256');
        return {
          headers: {
            etag: `"${createHash('md5').update(body).digest('hex')}"`,
            ...(checksum !== undefined && !isSilent ? { 'x-amz-checksum-sha256': checksum } : {}),
            ...(bucket.versioned && version ? { 'x-amz-version-id': version.id } : {}),
          },
        };
      }
      case 'GetObject':
      case 'HeadObject': {
        const object = bucket.get(key, versionId);
        const common = {
          etag: `"${createHash('md5').update(object.body).digest('hex')}"`,
          'last-modified': object.lastModified.toUTCString(),
          'accept-ranges': 'bytes',
          'content-type': 'application/octet-stream',
          ...(bucket.versioned ? { 'x-amz-version-id': object.id } : {}),
          ...(object.retainUntil
            ? {
                'x-amz-object-lock-mode': object.lockMode,
                'x-amz-object-lock-retain-until-date': object.retainUntil.toISOString(),
              }
            : {}),
        };
        const range = header('range');
        if (range !== undefined)
          return { ...partOf(object.body, range), headers: { ...common, ...partOf(object.body, range).headers } };
        const checksum = header('x-amz-checksum-mode') === 'ENABLED' ? object.checksum : undefined;
        return {
          headers: { ...common, ...(checksum !== undefined ? { 'x-amz-checksum-sha256': checksum } : {}) },
          body: object.body,
        };
      }
      case 'DeleteObject':
        bucket.delete(key, versionId, header('x-amz-bypass-governance-retention') === 'true');
        return { status: 204, headers: {} };
      case 'DeleteObjects':
        return xml(bucket.deleteMany(body.toString('utf8'), header));
      case 'ListObjectsV2':
        return xml(bucket.list(name, query));
      case 'ListObjectVersions':
        return xml(bucket.listVersions(name, query));
      case 'PutObjectRetention':
        bucket.retain(key, versionId, body.toString('utf8'));
        return { headers: {} };
      case 'GetObjectRetention': {
        const { lockMode, retainUntil } = bucket.get(key, versionId);
        if (!retainUntil) throw new S3Problem(404, 'NoSuchObjectLockConfiguration', 'no retention');
        return xml(
          `<Retention><Mode>${lockMode}</Mode><RetainUntilDate>${retainUntil.toISOString()}</RetainUntilDate></Retention>`,
        );
      }
      case 'GetBucketVersioning':
        return xml(
          `<VersioningConfiguration>${bucket.versioned ? '<Status>Enabled</Status>' : ''}</VersioningConfiguration>`,
        );
      case 'GetObjectLockConfiguration':
        return xml(bucket.lockConfiguration());
      case 'CreateMultipartUpload':
        throw new S3Problem(501, 'NotImplemented', 'no object of the archive needs more than one part');
    }
  }
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

interface Answer {
  readonly status?: number;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

const xml = (text: string): Answer => ({
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(XML + text),
});

function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  const has = (name: string) => query.has(name);
  if (key === '') {
    if (method === 'POST' && has('delete')) return 'DeleteObjects';
    if (method === 'GET' && has('versions')) return 'ListObjectVersions';
    if (method === 'GET' && has('versioning')) return 'GetBucketVersioning';
    if (method === 'GET' && has('object-lock')) return 'GetObjectLockConfiguration';
    if (method === 'GET' && query.get('list-type') === '2') return 'ListObjectsV2';
  } else {
    if (has('retention')) return method === 'PUT' ? 'PutObjectRetention' : 'GetObjectRetention';
    if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload';
    if (method === 'PUT') return 'PutObject';
    if (method === 'GET') return 'GetObject';
    if (method === 'HEAD') return 'HeadObject';
    if (method === 'DELETE') return 'DeleteObject';
  }
  throw new S3Problem(501, 'NotImplemented', `${method} ${key} ${query.toString()}`);
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What S3 compares before it stores: the length, the hash that the signature covers, and the checksum. */
function checkBody(header: (name: string) => string | undefined, body: Buffer): void {
  if (header('content-length') === undefined) throw new S3Problem(411, 'MissingContentLength', 'no Content-Length');
  if (Number(header('content-length')) !== body.length) throw new S3Problem(400, 'IncompleteBody', 'cut short');
  const sha256 = createHash('sha256').update(body).digest();
  const signed = header('x-amz-content-sha256');
  if (signed === undefined) throw new S3Problem(400, 'InvalidRequest', 'x-amz-content-sha256 is missing');
  if (/^[0-9a-f]{64}$/.test(signed) && signed !== sha256.toString('hex')) {
    throw new S3Problem(400, 'XAmzContentSHA256Mismatch', 'the body is another than was signed');
  }
  const checksum = header('x-amz-checksum-sha256');
  if (checksum !== undefined && checksum !== sha256.toString('base64')) {
    throw new S3Problem(400, 'BadDigest', 'the body has another SHA-256');
  }
}

function partOf(body: Buffer, range: string): Answer {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range);
  if (!match) throw new S3Problem(400, 'InvalidArgument', `Range ${range}`);
  const [start, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, body.length)];
  if (start >= body.length) throw new S3Problem(416, 'InvalidRange', 'The requested range is not satisfiable');
  return {
    status: 206,
    headers: { 'content-range': `bytes ${start}-${end - 1}/${body.length}` },
    body: body.subarray(start, end),
  };
}

async function send(
  { operation }: S3Request,
  response: ServerResponse,
  { status = 200, headers, body = Buffer.alloc(0) }: Answer,
  fault: Fault | undefined,
): Promise<void> {
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': body.length }) });
  if (operation === 'HeadObject') response.end();
  else if (fault && 'cut' in fault) {
    // The first half, and the end of the connection.
    response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
    if (body.length < 2) response.socket?.destroy();
  } else if (fault && 'piecesOf' in fault) {
    response.socket?.setNoDelay(true);
    for (let at = 0; at < body.length; at += fault.piecesOf) {
      await new Promise((resolve) => response.write(body.subarray(at, at + fault.piecesOf), resolve));
    }
    response.end();
  } else response.end(body);
}
