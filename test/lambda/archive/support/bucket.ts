/** What a bucket keeps and refuses: versions, delete markers, conditional writes, object lock. */

/** An error as S3 answers it. */
export class S3Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface BucketOptions {
  readonly versioned?: boolean;
  /** Object lock: every object is kept for so long from its writing, and each write must carry a checksum. */
  readonly compliance?: { readonly days: number };
  /** Keys of one answer to a list request. S3 has 1000. */
  readonly maxKeys?: number;
  readonly now?: () => Date;
}

export interface Version {
  readonly id: string;
  readonly body: Buffer;
  /** SHA-256, base64; undefined when it was written without one. */
  readonly checksum: string | undefined;
  readonly lastModified: Date;
  readonly isMarker: boolean;
  lockMode: 'COMPLIANCE' | 'GOVERNANCE';
  retainUntil: Date | undefined;
}

type Header = (name: string) => string | undefined;

const DAY_MS = 24 * 3600 * 1000;

export class Bucket {
  /** Newest last. */
  readonly versions = new Map<string, Version[]>();
  readonly versioned: boolean;
  /** Called with each key that was written or deleted, for replication. */
  onChange: (key: string) => void = () => {};
  #ids = 0;

  constructor(private readonly options: BucketOptions) {
    this.versioned = options.versioned ?? options.compliance !== undefined;
  }

  get now(): Date {
    return this.options.now?.() ?? new Date();
  }

  /** Current objects by key, sorted. */
  keys(prefix = ''): string[] {
    return Array.from(this.versions.keys())
      .filter((key) => key.startsWith(prefix) && this.current(key) !== undefined)
      .sort();
  }

  /** Undefined when there is none, or its newest version is a delete marker. */
  current(key: string): Version | undefined {
    const newest = this.versions.get(key)?.at(-1);
    return newest?.isMarker ? undefined : newest;
  }

  /** As if somebody else had written it, without a word to anybody. */
  plant(key: string, body: Buffer, checksum?: string): Version {
    return this.#add(key, {
      id: '',
      body: Buffer.from(body),
      checksum,
      lastModified: this.now,
      isMarker: false,
      lockMode: 'COMPLIANCE',
      retainUntil: undefined,
    });
  }

  /** Damages the current version where it is. */
  damage(key: string, change: (body: Buffer) => Buffer): void {
    const versions = this.versions.get(key)!;
    versions[versions.length - 1] = { ...versions.at(-1)!, body: change(Buffer.from(versions.at(-1)!.body)) };
  }

  remove(key: string): void {
    this.versions.delete(key);
  }

  put(key: string, body: Buffer, header: Header): Version {
    const condition = header('if-none-match');
    if (condition !== undefined && condition !== '*') throw new S3Problem(501, 'NotImplemented', 'If-None-Match');
    if (condition === '*' && this.current(key)) {
      throw new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    }
    const checksum = header('x-amz-checksum-sha256');
    const { compliance } = this.options;
    if (compliance && checksum === undefined && header('content-md5') === undefined) {
      throw new S3Problem(400, 'InvalidRequest', 'Content-MD5 OR x-amz-checksum- HTTP header is required');
    }
    const asked = header('x-amz-object-lock-retain-until-date');
    const retainUntil =
      asked !== undefined ? new Date(asked) : compliance && new Date(this.now.getTime() + compliance.days * DAY_MS);
    const lockMode = header('x-amz-object-lock-mode') === 'GOVERNANCE' ? 'GOVERNANCE' : 'COMPLIANCE';
    const version = this.#add(key, {
      id: '',
      body: Buffer.from(body),
      checksum,
      lastModified: this.now,
      isMarker: false,
      lockMode,
      retainUntil,
    });
    this.onChange(key);
    return version;
  }

  get(key: string, versionId?: string): Version {
    const version =
      versionId === undefined ? this.current(key) : this.versions.get(key)?.find(({ id }) => id === versionId);
    if (!version) throw new S3Problem(404, versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion', 'not there');
    if (version.isMarker) throw new S3Problem(405, 'MethodNotAllowed', 'a delete marker');
    return version;
  }

  delete(key: string, versionId: string | undefined, bypass: boolean): void {
    const versions = this.versions.get(key);
    if (versionId === undefined && this.versioned) {
      this.#add(key, {
        id: '',
        body: Buffer.alloc(0),
        checksum: undefined,
        lastModified: this.now,
        isMarker: true,
        lockMode: 'COMPLIANCE',
        retainUntil: undefined,
      });
    } else if (versionId === undefined) this.versions.delete(key);
    else {
      const version = versions?.find(({ id }) => id === versionId);
      if (!version) return;
      const locked = version.retainUntil !== undefined && version.retainUntil > this.now;
      if (locked && !(bypass && version.lockMode === 'GOVERNANCE')) {
        throw new S3Problem(403, 'AccessDenied', 'Access Denied because object protected by object lock.');
      }
      const rest = versions!.filter((other) => other !== version);
      if (rest.length > 0) this.versions.set(key, rest);
      else this.versions.delete(key);
    }
    this.onChange(key);
  }

  deleteMany(body: string, header: Header): string {
    const answers = Array.from(body.matchAll(/<Object>([\s\S]*?)<\/Object>/g), ([, object]) => {
      const key = unescapeXml(/<Key>([\s\S]*?)<\/Key>/.exec(object!)![1]!);
      const versionId = /<VersionId>([\s\S]*?)<\/VersionId>/.exec(object!)?.[1];
      try {
        this.delete(key, versionId, header('x-amz-bypass-governance-retention') === 'true');
        return `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`;
      } catch (error) {
        if (!(error instanceof S3Problem)) throw error;
        return `<Error><Key>${escapeXml(key)}</Key><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
      }
    });
    return `<DeleteResult>${answers.join('')}</DeleteResult>`;
  }

  retain(key: string, versionId: string | undefined, body: string): void {
    if (!this.options.compliance)
      throw new S3Problem(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration');
    const version = this.get(key, versionId);
    const until = new Date(/<RetainUntilDate>(.*?)<\/RetainUntilDate>/.exec(body)![1]!);
    if (Number.isNaN(until.getTime()) || until <= this.now) {
      throw new S3Problem(400, 'InvalidRequest', 'The retain until date must be in the future!');
    }
    if (version.retainUntil && until < version.retainUntil && version.lockMode === 'COMPLIANCE') {
      throw new S3Problem(403, 'AccessDenied', 'Access Denied because object protected by object lock.');
    }
    version.retainUntil = until;
  }

  list(name: string, query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const most = Math.min(Number(query.get('max-keys') ?? 1000), this.options.maxKeys ?? 1000);
    const keys = this.keys(prefix).filter((key) => key > after);
    const page = keys.slice(0, most);
    const truncated = keys.length > page.length;
    const contents = page.map((key) => {
      const { body, lastModified } = this.current(key)!;
      return `<Contents><Key>${escapeXml(key)}</Key><LastModified>${lastModified.toISOString()}</LastModified><Size>${body.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
    });
    return `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${name}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${most}</MaxKeys><IsTruncated>${truncated}</IsTruncated>${
      truncated ? `<NextContinuationToken>${escapeXml(page.at(-1)!)}</NextContinuationToken>` : ''
    }${contents.join('')}</ListBucketResult>`;
  }

  /** Newest first within a key, as S3 has them. */
  listVersions(name: string, query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const most = Math.min(Number(query.get('max-keys') ?? 1000), this.options.maxKeys ?? 1000);
    const keys = Array.from(this.versions.keys()).filter((key) => key.startsWith(prefix));
    const all = keys.sort().flatMap((key) =>
      this.versions
        .get(key)!
        .toReversed()
        .map((version, index) => ({ key, version, isLatest: index === 0 })),
    );
    const after = all.findIndex(
      ({ key, version }) => key === query.get('key-marker') && version.id === query.get('version-id-marker'),
    );
    const page = all.slice(after + 1, after + 1 + most);
    const rows = page.map(({ key, version, isLatest }) => {
      const kind = version.isMarker ? 'DeleteMarker' : 'Version';
      const size = version.isMarker ? '' : `<Size>${version.body.length}</Size>`;
      return `<${kind}><Key>${escapeXml(key)}</Key><VersionId>${version.id}</VersionId><IsLatest>${isLatest}</IsLatest><LastModified>${version.lastModified.toISOString()}</LastModified>${size}</${kind}>`;
    });
    const last = page.at(-1);
    const isTruncated = after + 1 + page.length < all.length;
    const next =
      isTruncated && last
        ? `<NextKeyMarker>${escapeXml(last.key)}</NextKeyMarker><NextVersionIdMarker>${last.version.id}</NextVersionIdMarker>`
        : '';
    return `<ListVersionsResult><Name>${name}</Name><Prefix>${escapeXml(prefix)}</Prefix><IsTruncated>${isTruncated}</IsTruncated>${next}${rows.join('')}</ListVersionsResult>`;
  }

  lockConfiguration(): string {
    const { compliance } = this.options;
    if (!compliance) throw new S3Problem(404, 'ObjectLockConfigurationNotFoundError', 'no object lock');
    return `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>${compliance.days}</Days></DefaultRetention></Rule></ObjectLockConfiguration>`;
  }

  #add(key: string, version: Version): Version {
    const own = { ...version, id: this.versioned ? `v${(this.#ids += 1)}` : 'null' };
    const before = this.versioned ? (this.versions.get(key) ?? []) : [];
    this.versions.set(key, [...before, own]);
    return own;
  }
}

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const unescapeXml = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** A bucket of another Region that gets what the first one gets, when and in the order that a test says. */
export class LaggingReplica {
  readonly pending: string[] = [];

  constructor(
    private readonly from: Bucket,
    readonly to: Bucket,
  ) {
    from.onChange = (key) => this.pending.push(key);
  }

  deliver(isDue: (key: string) => boolean = () => true): void {
    for (const key of this.pending.splice(0)) {
      if (!isDue(key)) this.pending.push(key);
      else {
        const version = this.from.current(key);
        // Deletions are not replicated.
        if (version) this.to.plant(key, version.body, version.checksum);
      }
    }
  }
}
