import type { Authenticator } from '../authenticity';
import { displayPath } from '../byte-path';
import { type Crew, defaultCrewSize, SoloCrew, type SpareThreads, ThreadCrew } from '../crew/crew';
import { type FileEntry, pathOfLine } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { PageChain, type PageEdges } from '../check-entries';
import { isLargeManifest, packKey, type PageReference, sha256OfKey } from '../manifest';
import { MemoryPool } from '../memory-pool';
import { getInto, type ObjectStore } from '../object-store';
import { listPoints, PAGE_IS_MISSING, type Point, readPage } from '../points';
import { RangeFetcher, rangeMemory } from '../range-fetcher';
import type { Range } from '../ranges';
import {
  type LongTask,
  type PackContents,
  type PackResult,
  type PackTask,
  type PageResult,
  type PageTask,
  VerifySession,
} from './session';

export interface VerifyOptions {
  readonly store: ObjectStore;
  /** Read every pack and compare every content's SHA-256. Default: only that all objects are there, and the manifests. */
  readonly readData?: boolean;
  /** A point that is not authentic by it is a finding. Default: nobody asks. */
  readonly authenticator?: Authenticator | undefined;
  /** Default: as many as there are cores; 0 works on the calling thread alone. */
  readonly threads?: number;
  /** Threads to take before any is started. Default: none. */
  readonly spare?: SpareThreads | undefined;
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
  const { store, authenticator, readData = false, threads = defaultCrewSize(), spare } = options;
  const crew = new ThreadCrew(threads, PACKS_OF_A_THREAD, spare).begin({ kind: 'verify' });
  try {
    const points = await listPoints(store, authenticator, (manifestBytes) => {
      if (readData && threads > 0 && isLargeManifest(manifestBytes)) crew.warmUp();
    });
    return await new Verification(options, points, crew).run();
  } finally {
    await crew.close();
  }
}

/** The one that it takes apart, and the next. */
const PACKS_OF_A_THREAD = 2;
/** Packs that are fetched or taken apart at the same time. */
const PACKS_AHEAD = 1;
/** Parts of a content in several packs that are fetched before they are looked at, the one that is wanted counted in. */
const RANGES_AHEAD = 2;
/** Pages that are fetched while all threads are at work. */
const PAGES_AHEAD = 2;

/** What is wanted of one pack. */
interface WantedPack {
  readonly bytes: number;
  readonly crc32: number;
  /** Pages that name it and were not read yet. */
  pagesLeft: number;
  /** With the page of each. */
  readonly contents: { readonly page: PageReference; readonly list: PackContents }[];
}

/** A page, with the packs that its entries may name. */
interface WantedPage {
  readonly page: PageReference;
  readonly packs: readonly string[];
}

class Verification {
  readonly #findings: Finding[] = [];
  readonly #packs = new Map<string, WantedPack>();
  /** Each once, though many points may name it; in the order in which points come to them. */
  readonly #pages = new Map<string, WantedPage>();
  readonly #pageResults = new Map<string, Promise<PageResult>>();
  /** Contents that lie in more packs than one, each once, with the files that have it. */
  readonly #long = new Map<string, { readonly entry: FileEntry; readonly paths: Set<string> }>();
  readonly #rangeMemory = rangeMemory();
  readonly #underWay = new Set<Promise<void>>();
  readonly #packMemory = new MemoryPool();
  readonly #pageMemory = new MemoryPool();
  readonly #crew: Crew;
  #failure: { readonly error: unknown } | undefined;
  #filesRead = 0;
  #packsDone = 0;
  #bytesDone = 0;
  #bytesTotal = 0;

  constructor(
    private readonly options: VerifyOptions,
    private readonly points: readonly Point[],
    crew: ThreadCrew,
  ) {
    for (const { manifestKey, problems } of points) {
      for (const problem of problems) this.#findings.push({ key: manifestKey, problem, paths: [] });
    }
    for (const { header } of points) {
      for (const page of header?.pages ?? []) {
        const packs = page.packs.map((index) => sha256OfKey(header!.packs[index]!.key));
        this.#pages.set(page.key, { page, packs });
      }
      for (const { key, bytes, crc32 } of header?.packs ?? []) {
        const sha256 = sha256OfKey(key);
        if (this.#packs.has(sha256)) continue;
        this.#packs.set(sha256, { bytes, crc32, pagesLeft: 0, contents: [] });
        this.#bytesTotal += bytes;
      }
    }
    for (const { packs } of this.#pages.values()) for (const pack of packs) this.#packs.get(pack)!.pagesLeft += 1;
    const { threads, readData } = options;
    const much = readData && (threads !== undefined || this.#bytesTotal > 8 * 1024 * 1024);
    this.#crew = much && threads !== 0 ? crew.warmUp() : new SoloCrew(new VerifySession());
  }

  async run(): Promise<VerifyOutcome> {
    try {
      await this.#readPages();
      for (const { entry, paths } of this.#long.values()) await this.#start(() => this.#checkLong(entry, paths));
      await Promise.all(this.#underWay);
      if (this.#failure) throw this.#failure.error;
    } finally {
      await Promise.allSettled(this.#underWay);
    }
    const findings = this.#findings.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return { points: this.points, packs: this.#packs.size, filesRead: this.#filesRead, findings };
  }

  async #readPages(): Promise<void> {
    const edges = new Map<string, PageEdges | undefined>();
    const keys = Array.from(this.#pages.keys());
    let started = 0;
    for (const { header, manifestKey } of this.points) {
      if (!header) continue;
      const chain = new PageChain((problem) => new ArchiveDamagedError(manifestKey, problem));
      for (const page of header.pages) {
        if (!edges.has(page.key)) {
          const ahead = edges.size + this.#crew.size + PAGES_AHEAD;
          for (; started < Math.min(ahead, keys.length); started += 1) this.#beginPage(keys[started]!);
          edges.set(page.key, await this.#takePage(page.key, manifestKey));
        }
        const found = edges.get(page.key);
        try {
          if (found) chain.add(page, found);
          else chain.skip();
        } catch (error) {
          if (!(error instanceof ArchiveDamagedError)) throw error;
          chain.skip();
          this.#findings.push({ key: error.key, problem: error.problem, paths: [] });
        }
      }
    }
  }

  #beginPage(key: string): void {
    const result = this.#checkPage(this.#pages.get(key)!);
    // It is awaited in its turn; until then its failure is nobody's.
    result.catch(() => {});
    this.#pageResults.set(key, result);
  }

  async #checkPage({ page, packs }: WantedPage): Promise<PageResult> {
    const { store, readData = false } = this.options;
    const { key, bytes, first, counts } = page;
    const memory = this.#pageMemory.take(bytes);
    try {
      const length = await getInto(store, key, new Uint8Array(memory));
      if (length === undefined) return { problem: PAGE_IS_MISSING, of: 'object' };
      const known = packs.map((pack) => ({ key: packKey(pack), bytes: this.#packs.get(pack)!.bytes }));
      const wanted = { key, bytes, first, counts, packs: known, withContents: readData };
      const task: PageTask = { do: 'page', memory, length, ...wanted };
      return await this.#crew.run<PageResult>(task, refuse);
    } finally {
      this.#pageMemory.give(memory);
    }
  }

  /** @returns undefined when it is damaged, which is a finding */
  async #takePage(key: string, manifestKey: string): Promise<PageEdges | undefined> {
    const { page, packs } = this.#pages.get(key)!;
    const result = await this.#pageResults.get(key)!;
    this.#pageResults.delete(key);
    if ('problem' in result) {
      const where = result.of === 'object' ? this.options.store.prefix + key : manifestKey;
      this.#findings.push({ key: where, problem: result.problem, paths: [] });
    } else {
      for (const list of result.contents) this.#packs.get(list.pack)!.contents.push({ page, list });
      for (const entry of result.long) this.#addLong(entry);
    }
    // A pack can be taken apart when every page that names it was read.
    for (const sha256 of packs) {
      const pack = this.#packs.get(sha256)!;
      pack.pagesLeft -= 1;
      if (pack.pagesLeft === 0 && this.options.readData) await this.#start(() => this.#checkPack(sha256, pack));
    }
    return 'problem' in result ? undefined : result.edges;
  }

  /** Begins with something that takes long, when not too much is under way. */
  async #start(check: () => Promise<void>): Promise<void> {
    while (this.#underWay.size >= this.#crew.size + PACKS_AHEAD) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.error;
    const checking = check()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(checking));
    this.#underWay.add(checking);
  }

  async #checkPack(sha256: string, pack: WantedPack): Promise<void> {
    const { store, onProgress } = this.options;
    const key = packKey(sha256);
    const contents = pack.contents.splice(0);
    const memory = this.#packMemory.take(pack.bytes);
    const length = await getInto(store, key, new Uint8Array(memory));
    // Named by the points that miss it.
    if (length !== undefined) {
      const lists = contents.map(({ list }) => list);
      const task: PackTask = { do: 'pack', crc32: pack.crc32, memory, length, contents: lists };
      const transfer = lists.flatMap(({ sha256, pieces }) => [sha256.buffer, pieces.buffer]);
      const { read, problems } = await this.#crew.run<PackResult>(task, refuse, transfer);
      for (const { problem, contents: places } of problems) {
        const found = places.map(([list, line]) => [contents[list]!.page, line] as const);
        this.#findings.push({ key: store.prefix + key, problem, paths: await this.#pathsOf(found) });
      }
      this.#filesRead += read;
    }
    this.#packMemory.give(memory);
    this.#packsDone += 1;
    this.#bytesDone += pack.bytes;
    onProgress?.({
      packsDone: this.#packsDone,
      packsTotal: this.#packs.size,
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTotal,
    });
  }

  /** Read anew from their pages: nobody needs them but of what is damaged. */
  async #pathsOf(places: readonly (readonly [page: PageReference, line: number])[]): Promise<string[]> {
    const paths: string[] = [];
    let last: { readonly page: PageReference; readonly lines: Buffer } | undefined;
    for (const [page, line] of places.toSorted(([a], [b]) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))) {
      if (last?.page !== page) last = { page, lines: await readPage(this.options.store, page) };
      paths.push(displayPath(pathOfLine(last.lines, line)));
    }
    return paths.sort();
  }

  #addLong(entry: FileEntry): void {
    const id = JSON.stringify([entry.sha256, entry.pieces]);
    const known = this.#long.get(id) ?? { entry, paths: new Set() };
    known.paths.add(displayPath(entry.path));
    this.#long.set(id, known);
  }

  async #checkLong({ pieces, sha256 }: FileEntry, paths: ReadonlySet<string>): Promise<void> {
    const { store } = this.options;
    this.#filesRead += 1;
    const fetcher = new RangeFetcher(store, this.#rangeMemory, RANGES_AHEAD);
    const task: LongTask = { do: 'long', prefix: store.prefix, pieces, sha256 };
    const found = (key: string, problem: string) =>
      this.#findings.push({ key, problem, paths: Array.from(paths).sort() });
    try {
      const isSound = await this.#crew.run<boolean>(task, ({ with: ranges }) =>
        fetcher.answer(ranges as readonly Range[] | number),
      );
      if (!isSound)
        found(store.prefix + packKey(pieces[0]!.pack), 'a content has another SHA-256 than the manifest says');
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
      found(error.key, error.problem);
    } finally {
      await fetcher.end();
    }
  }
}

function refuse(): never {
  throw new Error('a verifying thread has no questions');
}
