import { createHash } from 'node:crypto';
import type { Authenticator } from '../authenticity';
import { displayPath } from '../byte-path';
import { type Crew, defaultCrewSize, SoloCrew, ThreadCrew } from '../crew/crew';
import type { FileEntry } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { release } from '../frame';
import { EntryChecker } from '../check-entries';
import { packKey, type PageReference, sha256OfKey } from '../manifest';
import { MemoryPool } from '../memory-pool';
import { getInto, type ObjectStore } from '../object-store';
import { listPoints, type Point, readPage } from '../points';
import { cut, decodeOf, fetchRange, planRanges } from '../ranges';
import { type PackResult, type PackTask, VerifySession } from './session';

export interface VerifyOptions {
  readonly store: ObjectStore;
  /** Read every pack and compare every content's SHA-256. Default: only that all objects are there, and the manifests. */
  readonly readData?: boolean;
  /** A point that is not authentic by it is a finding. Default: nobody asks. */
  readonly authenticator?: Authenticator | undefined;
  /** Default: as many as there are cores; 0 works on the calling thread alone. */
  readonly threads?: number;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly packsDone: number;
  readonly packsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface VerifyOutcome {
  readonly points: readonly Point[];
  readonly packs: number;
  /** Contents that were compared, each once; 0 without `readData`. */
  readonly filesRead: number;
  /** Empty when nothing is wrong. */
  readonly findings: readonly Finding[];
}

export interface Finding {
  /** Key in the bucket. */
  readonly key: string;
  readonly problem: string;
  /** Files that cannot be restored because of it, as far as they are known. */
  readonly paths: readonly string[];
}

/** Checks every point of an archive; a finding is an answer, not an error. */
export async function verifyArchive(options: VerifyOptions): Promise<VerifyOutcome> {
  const points = await listPoints(options.store, options.authenticator);
  return new Verification(options, points).run();
}

/** Packs that are fetched or taken apart at the same time. */
const PACKS_AHEAD = 1;

/** What is wanted of one pack. */
interface PackContents {
  readonly bytes: number;
  readonly crc32: number;
  /** Pages that name it and were not read yet. */
  pagesLeft: number;
  readonly sha256: string[];
  readonly pieces: number[];
  readonly paths: string[];
  /** SHA-256 by place: several pages may say the same. */
  readonly seen: Map<number, string>;
}

class Verification {
  readonly #findings: Finding[] = [];
  readonly #packs = new Map<string, PackContents>();
  /** Neighbours are in one pack, mostly. */
  #lastPack: { readonly sha256: string; readonly contents: PackContents } | undefined;
  /** Contents that lie in more packs than one. */
  readonly #long: FileEntry[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #memory = new MemoryPool();
  readonly #crew: Crew;
  #failure: { readonly error: unknown } | undefined;
  #filesRead = 0;
  #packsDone = 0;
  #bytesDone = 0;
  #bytesTotal = 0;

  constructor(
    private readonly options: VerifyOptions,
    private readonly points: readonly Point[],
  ) {
    for (const { manifestKey, problems } of points) {
      for (const problem of problems) this.#findings.push({ key: manifestKey, problem, paths: [] });
    }
    const pages = new Map<string, readonly string[]>();
    for (const { header } of points) {
      for (const page of header?.pages ?? []) {
        pages.set(
          page.key,
          page.packs.map((index) => sha256OfKey(header!.packs[index]!.key)),
        );
      }
      for (const { key, bytes, crc32 } of header?.packs ?? []) {
        const sha256 = sha256OfKey(key);
        if (this.#packs.has(sha256)) continue;
        this.#packs.set(sha256, { bytes, crc32, pagesLeft: 0, sha256: [], pieces: [], paths: [], seen: new Map() });
        this.#bytesTotal += bytes;
      }
    }
    for (const packs of pages.values()) for (const pack of packs) this.#packs.get(pack)!.pagesLeft += 1;
    const { threads, readData } = options;
    const much = readData && (threads !== undefined || this.#bytesTotal > 8 * 1024 * 1024);
    this.#crew =
      much && threads !== 0
        ? new ThreadCrew({ kind: 'verify' }, threads ?? defaultCrewSize()).warmUp()
        : new SoloCrew(new VerifySession());
  }

  async run(): Promise<VerifyOutcome> {
    try {
      await this.#readPages();
      await Promise.all(this.#underWay);
      if (this.#failure) throw this.#failure.error;
      if (this.options.readData) for (const entry of this.#long) await this.#checkLong(entry);
    } finally {
      await Promise.allSettled(this.#underWay);
      await this.#crew.close();
    }
    const findings = this.#findings.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return { points: this.points, packs: this.#packs.size, filesRead: this.#filesRead, findings };
  }

  /** Every page once, though many points may name it. */
  async #readPages(): Promise<void> {
    const { store } = this.options;
    const seen = new Set<string>();
    for (const { header, manifestKey } of this.points) {
      if (!header) continue;
      const checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
      const ahead = header.pages.map((page) => ({ page, isNew: !seen.has(page.key) }));
      for (const { page, isNew } of ahead) {
        seen.add(page.key);
        // A page that other points name as well was checked there, but for how it goes with its neighbours.
        if (!isNew) {
          checker.skip();
          continue;
        }
        try {
          const lines = await readPage(store, page);
          checker.visit(page, lines, (entry) => {
            if (entry.type === 'file') this.#note(entry);
          });
          release(lines);
        } catch (error) {
          if (!(error instanceof ArchiveDamagedError)) throw error;
          checker.skip();
          this.#findings.push({ key: error.key, problem: error.problem, paths: [] });
        }
        await this.#donePage(
          page,
          header.packs.map(({ key }) => sha256OfKey(key)),
        );
      }
    }
  }

  #note(entry: FileEntry): void {
    const { pieces, sha256, path } = entry;
    const first = pieces[0];
    if (!first || !this.options.readData) return;
    if (pieces.length > 1 && pieces.some(({ pack }) => pack !== first.pack)) {
      this.#long.push(entry);
      return;
    }
    if (this.#lastPack?.sha256 !== first.pack) {
      this.#lastPack = { sha256: first.pack, contents: this.#packs.get(first.pack)! };
    }
    const pack = this.#lastPack.contents;
    const place = first.offset * 2 ** 24 + first.skip;
    if (pack.seen.get(place) === sha256) return;
    pack.seen.set(place, sha256);
    pack.sha256.push(sha256);
    pack.paths.push(path);
    pack.pieces.push(pack.sha256.length - 1, pieces.length);
    for (const { offset, length, skip, size } of pieces) pack.pieces.push(offset, length, skip, size);
  }

  /** A pack can be taken apart when every page that names it was read. */
  async #donePage(page: PageReference, packs: readonly string[]): Promise<void> {
    for (const index of page.packs) {
      const pack = this.#packs.get(packs[index]!)!;
      pack.pagesLeft -= 1;
      if (pack.pagesLeft === 0) await this.#startPack(packs[index]!, pack);
    }
  }

  async #startPack(sha256: string, pack: PackContents): Promise<void> {
    if (!this.options.readData) return;
    while (this.#underWay.size >= this.#crew.size + PACKS_AHEAD) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.error;
    const checking = this.#checkPack(sha256, pack)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(checking));
    this.#underWay.add(checking);
  }

  async #checkPack(sha256: string, pack: PackContents): Promise<void> {
    const { store, onProgress } = this.options;
    const key = packKey(sha256);
    const memory = this.#memory.take(pack.bytes);
    const length = await getInto(store, key, new Uint8Array(memory));
    // Named by the points that miss it.
    if (length !== undefined) {
      const pieces = new Float64Array(pack.pieces);
      const task: PackTask = { do: 'pack', crc32: pack.crc32, memory, length, sha256: pack.sha256, pieces };
      const result = await this.#crew.run<PackResult>(task, refuse, [pieces.buffer]);
      for (const { problem, contents } of result.problems) {
        const paths = contents.map((index) => displayPath(pack.paths[index]!)).sort();
        this.#findings.push({ key: store.prefix + key, problem, paths });
      }
      this.#filesRead += pack.sha256.length;
    }
    this.#memory.give(memory);
    for (const list of [pack.sha256, pack.pieces, pack.paths]) list.length = 0;
    pack.seen.clear();
    this.#packsDone += 1;
    this.#bytesDone += pack.bytes;
    onProgress?.({
      packsDone: this.#packsDone,
      packsTotal: this.#packs.size,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTotal,
    });
  }

  async #checkLong({ path, pieces, sha256 }: FileEntry): Promise<void> {
    const { store } = this.options;
    this.#filesRead += 1;
    const digest = createHash('sha256');
    try {
      let next = 0;
      for (const range of planRanges(pieces)) {
        const bytes = await fetchRange(store, range);
        for (; next < pieces.length; next += 1) {
          const piece = pieces[next]!;
          const start = piece.offset - range.offset;
          if (piece.pack !== range.pack || start < 0 || start + piece.length > range.length) break;
          const content = decodeOf(store.prefix, piece, bytes.subarray(start, start + piece.length));
          digest.update(cut(store.prefix, piece, content));
          release(content);
        }
      }
      if (digest.digest('hex') === sha256) return;
      const problem = 'a content has another SHA-256 than the manifest says';
      this.#findings.push({ key: store.prefix + packKey(pieces[0]!.pack), problem, paths: [displayPath(path)] });
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
      this.#findings.push({ key: error.key, problem: error.problem, paths: [displayPath(path)] });
    }
  }
}

function refuse(): never {
  throw new Error('a verifying thread has no questions');
}
