/**
 * The bodies of GET requests, read from the connection straight into memory that is there already. Node's HTTP client hands
 * out each 64 KiB in memory of its own, copied twice: for what a verification or a restore reads, four times the processor
 * time of this, and garbage of the size of the archive. Signing, retries and errors stay the SDK's.
 */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What of a request of the SDK is sent. */
export interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

export interface DownloadTimeouts {
  readonly connectMs: number;
  /** Without a byte of the answer. */
  readonly idleMs: number;
}

export interface Download {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
}

const HEAD_BYTES = 64 * 1024;
/** At most so much is read at once. */
const READ_BYTES = 1024 * 1024;
/** A connection that rested longer may be closed by the server at any moment. */
const IDLE_MS = 3_000;

/** Connections that are kept open for the next request to the same host. */
export class Downloads {
  readonly #resting: Connection[] = [];

  /**
   * @returns undefined when the answer is no plain success (an error, a redirect, a body of unknown or too great a length), or
   *   a connection that was kept open turns out to be closed
   * @throws Error when the connection fails, or the answer ends too early
   */
  async get(request: SignedRequest, into: Uint8Array, timeouts: DownloadTimeouts): Promise<Download | undefined> {
    const connection = this.#take(originOf(request), request, timeouts);
    const download = await connection.get(request, into, timeouts);
    if (connection.isReusable) this.#resting.push(connection);
    return download;
  }

  #take(origin: string, request: SignedRequest, timeouts: DownloadTimeouts): Connection {
    for (;;) {
      const index = this.#resting.findIndex((connection) => connection.origin === origin);
      if (index < 0) return new Connection(origin, request, timeouts);
      const [connection] = this.#resting.splice(index, 1);
      if (connection!.isReusable && performance.now() - connection!.restingSince < IDLE_MS) return connection!;
      connection!.destroy();
    }
  }
}

const portOf = ({ protocol, port }: SignedRequest) => port ?? (protocol === 'http:' ? 80 : 443);
const originOf = (request: SignedRequest) => `${request.protocol}//${request.hostname}:${portOf(request)}`;

interface Exchange {
  readonly into: Uint8Array;
  readonly resolve: (download: Download | undefined) => void;
  readonly reject: (error: Error) => void;
  /** Once the head has come. */
  answer?: Download;
  /** Of the body. */
  received: number;
}

class Connection {
  readonly #socket: Socket;
  readonly #head = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #headLength = 0;
  #exchange: Exchange | undefined;
  #used = false;
  isReusable = true;
  restingSince = 0;

  constructor(
    readonly origin: string,
    request: SignedRequest,
    timeouts: DownloadTimeouts,
  ) {
    const onread: OnReadOpts = {
      buffer: () => this.#room(),
      callback: (bytes) => {
        this.#received(bytes);
        return true;
      },
    };
    const { protocol, hostname } = request;
    // An address of IPv6 stands in brackets in a URL.
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const target = { host, port: portOf(request), onread };
    const isTls = protocol !== 'http:';
    this.#socket = isTls
      ? connectTls({ ...target, servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] })
      : connectTcp(target);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(timeouts.connectMs);
    this.#socket.once(isTls ? 'secureConnect' : 'connect', () => this.#socket.setTimeout(timeouts.idleMs));
    this.#socket.on('timeout', () => this.#fail('ETIMEDOUT', 'no byte of an answer came in time'));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'ECONNRESET', error.message));
    this.#socket.on('end', () => this.#fail('ECONNRESET', 'the connection was closed'));
    this.#socket.on('close', () => this.#fail('ECONNRESET', 'the connection was closed'));
  }

  get(request: SignedRequest, into: Uint8Array, { idleMs }: DownloadTimeouts): Promise<Download | undefined> {
    return new Promise((resolve, reject) => {
      this.#exchange = { into, resolve, reject, received: 0 };
      if (this.#used) this.#socket.setTimeout(idleMs);
      this.#socket.ref();
      this.#socket.write(headOf(request));
    });
  }

  destroy(): void {
    this.isReusable = false;
    this.#socket.destroy();
  }

  /** Where the next bytes go. */
  #room(): Uint8Array {
    const { answer, into, received } = this.#exchange ?? {};
    if (!answer) return this.#head.subarray(this.#headLength);
    return into!.subarray(received!, Math.min(answer.bytes, received! + READ_BYTES));
  }

  #received(bytes: number): void {
    const exchange = this.#exchange;
    // Nobody has asked for anything: whatever it is, the connection is of no use any more.
    if (!exchange) return this.destroy();
    if (exchange.answer) exchange.received += bytes;
    else {
      this.#headLength += bytes;
      this.#readHead(exchange);
    }
    if (exchange.answer?.bytes === exchange.received) this.#end(exchange.answer);
  }

  #readHead(exchange: Exchange): void {
    const head = this.#head.subarray(0, this.#headLength);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#headLength === HEAD_BYTES) this.#leave();
      return;
    }
    const answer = parseHead(head.toString('latin1', 0, end));
    const rest = head.subarray(end + 4);
    if (!answer || answer.bytes > exchange.into.length || rest.length > answer.bytes) return this.#leave();
    exchange.into.set(rest);
    exchange.received = rest.length;
    exchange.answer = answer;
    this.#headLength = 0;
  }

  #end(answer: Download): void {
    const { resolve } = this.#exchange!;
    this.#exchange = undefined;
    this.#used = true;
    this.restingSince = performance.now();
    this.#socket.setTimeout(0);
    this.#socket.unref();
    if (answer.headers['connection']?.toLowerCase() === 'close') this.destroy();
    resolve(answer);
  }

  /** Nothing that this reads. */
  #leave(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.destroy();
    exchange?.resolve(undefined);
  }

  #fail(code: string, problem: string): void {
    const exchange = this.#exchange;
    // A server may close a connection that rests, and does so without regard to a request that is on its way.
    if (!exchange || (this.#used && this.#headLength === 0 && !exchange.answer)) return this.#leave();
    this.#exchange = undefined;
    this.destroy();
    const { answer, received } = exchange;
    const where = answer ? `the answer ended after ${received} of ${answer.bytes} bytes: ` : '';
    // With its code, by which the SDK knows what is worth another attempt.
    exchange.reject(Object.assign(new Error(`${where}${problem}`), { code }));
  }
}

/** Undefined when it is no plain success of a known length. */
function parseHead(head: string): Download | undefined {
  const [first, ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (200|206) /.exec(`${first!} `)?.[1]);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // Neither twice nor folded: a server that sends the like is left to a complete parser.
    if (colon < 1 || (name === 'content-length' && name in headers)) return undefined;
    headers[name] = line.slice(colon + 1).trim();
  }
  const length = headers['content-length'];
  if (Number.isNaN(status) || length === undefined || !/^\d{1,15}$/.test(length)) return undefined;
  if ('transfer-encoding' in headers || 'content-encoding' in headers) return undefined;
  return { status, headers, bytes: Number(length) };
}

function headOf({ method, path, query = {}, headers }: SignedRequest): string {
  const parameters = Object.entries(query).map(([name, value]) => {
    return `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`;
  });
  const target = parameters.length > 0 ? `${path}?${parameters.join('&')}` : path;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
