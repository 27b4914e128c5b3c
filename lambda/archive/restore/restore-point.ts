import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { displayPath } from '../byte-path';
import { type Crew, crewSizeFor, defaultCrewSize, SoloCrew, type SpareThreads, ThreadCrew } from '../crew/crew';
import type { Question } from '../crew/effect';
import type { EntryChecker } from '../check-entries';
import type { FileEntry, LinkEntry } from '../entry';
import { ArchiveDamagedError, ArchiveError, codeOf, messageOf } from '../errors';
import type { Remark } from '../export/remark';
import { release } from '../frame';
import type { ManifestHeader, PageReference } from '../manifest';
import { MemoryPool } from '../memory-pool';
import type { ObjectStore } from '../object-store';
import { isSha256At, sha256At } from '../piece-scan';
import { readEntries, readHeader, readPages } from '../points';
import { RangeFetcher, rangeMemory } from '../range-fetcher';
import type { Range } from '../ranges';
import { type PathSelection, selectPaths } from './selection';
import { type Damage, RestoreSession, type RestoreSettings, type RestoreTask, type RestoreTaskResult } from './session';
import { fileBatches, type PlacedFile } from './batches';
import { DirectoryLog } from './directory-log';
import { syncTree } from './durable';
import { isThere, putInPlace, removeTree, type Swap } from './put-in-place';
import { checkRoom, removeLeftOvers, stagingName } from './staging';

export interface RestoreOptions {
  readonly store: ObjectStore;
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  /** The directory that holds it is there; it itself is not, unless `replace` is given. */
  readonly target: string;
  /** Only these and what is under them, relative to the volume. Default: everything. */
  readonly paths?: readonly string[];
  /**
   * What is at the target is moved aside when everything is restored, and kept: all of it, or each of `paths` alone.
   * Default: a target that exists is refused.
   */
  readonly replace?: boolean;
  /** Damaged files are named in the outcome and left out. Default: the first ends the restore, and the target stays as it was. */
  readonly keepGoing?: boolean;
  /** Wait until all of it is on the disk before it is moved to the target. Default: true. */
  readonly sync?: boolean;
  /** Nothing is read but the manifest, and nothing is written. */
  readonly dryRun?: boolean;
  /** Default: as many as there are cores, more where the target's calls take long; 0 works on the calling thread alone. */
  readonly threads?: number;
  /** Threads to take before any is started. Default: none. */
  readonly spare?: SpareThreads | undefined;
  /** Ends the restore, unless it is already being moved to the target; what it has written is removed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface RestoreOutcome {
  readonly manifestKey: string;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly bytes: number;
  /** Metadata that could not be restored: owners as a user that is not root, or on a share that forces its own. */
  readonly warnings: readonly Remark[];
  /** What is missing because the archive is damaged; empty without `keepGoing`. */
  readonly damages: readonly Damage[];
  /** What was at the target before, and where it is kept now. */
  readonly replaced: readonly Swap[];
  /** What restores of this target that were killed had left, and what is left of others, which may still run. */
  readonly removedLeftOvers: readonly string[];
  readonly otherLeftOvers: readonly string[];
}

/**
 * Restores a point, or some paths of it. Everything is made in a new directory beside the target and moved there at the
 * end, so that the target is there only when each file was written and its SHA-256 compared.
 *
 * @throws ArchiveError when the target exists and is not to be replaced, or a path is not in the point
 * @throws ArchiveDamagedError that names the object and the file; the target is as it was then
 * @throws what `signal` was aborted with; the target is as it was then
 */
export async function restorePoint(options: RestoreOptions): Promise<RestoreOutcome> {
  const target = resolve(options.target);
  const exists = await isThere(target).catch((error: unknown) => {
    throw new ArchiveError(`the target ${target} cannot be made: ${messageOf(error)}`, { cause: error });
  });
  if (exists && !options.replace) {
    throw new ArchiveError(`the target must not exist yet, got ${target}: choose another, move it away, or replace it`);
  }
  const header = await readHeader(options.store, options.manifestKey);
  const selection = selectPaths(header, options.paths);
  const within = exists && selection !== undefined;
  const folder = within ? target : dirname(target);
  const staging = join(folder, stagingName(target));
  if (options.dryRun) return new Restore(options, header, selection, staging).preview();
  // The manifest tells what everything takes; of some paths, their pages do.
  const preview = () => new Restore({ ...options, dryRun: true }, header, selection, staging).preview();
  const needed = selection ? await preview() : header.counts;
  const { removed, left } = await removeLeftOvers(folder, target).catch((error: unknown) => {
    const why = codeOf(error) === 'ENOENT' ? `there is no directory ${folder}: make it` : messageOf(error);
    throw new ArchiveError(`the target ${target} cannot be made: ${why}`, { cause: error });
  });
  await checkRoom(folder, needed);
  await mkdir(staging, { mode: 0o700 }).catch((error: unknown) => {
    throw new ArchiveError(`the target ${target} cannot be made: ${messageOf(error)}`, { cause: error });
  });
  try {
    const restored = await new Restore(options, header, selection, staging).run();
    const { replace = false, sync = true, signal } = options;
    if (sync) await unlessAborted(syncTree(staging, restored.files + restored.directories), signal);
    const replaced = await putInPlace(staging, target, within ? selection.paths : undefined, { replace, sync });
    return { ...restored, replaced, removedLeftOvers: removed, otherLeftOvers: left };
  } catch (error) {
    await removeTree(staging);
    throw error;
  }
}

/** Does not wait for the end of the work when it is aborted. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What is wanted of one page. */
interface RestorePage {
  /** Out of the memory for pages, to which it is given back when all of the page is there. */
  readonly lines: SharedArrayBuffer;
  /** Where their lines are, as {@link files}. */
  readonly directories: readonly number[];
  readonly links: readonly LinkEntry[];
  readonly files: readonly PlacedFile[];
}

const TASKS_WAITING = 2;
/** With more threads than this, others write while one waits for a range: none is fetched before it is asked for. */
const THREADS_WITH_RANGES_AHEAD = 8;
const RANGES_AHEAD = 2;
/** Of a page's lines; nearly all have less. */
const PAGE_MEMORY_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;
/** Than cores: while one waits for what it has asked for, another writes. */
const THREADS_MORE = 1;

class Restore {
  readonly #crew: Crew;
  readonly #prefix: string;
  readonly #underWay = new Set<Promise<void>>();
  readonly #rangeMemory = rangeMemory();
  readonly #pageMemory = new MemoryPool(PAGE_MEMORY_BYTES);
  #failure: { readonly error: unknown } | undefined;
  #warnings: Remark[] = [];
  #damages: Damage[] = [];
  #counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
  readonly #directories = new DirectoryLog();
  readonly #links: LinkEntry[] = [];
  readonly #found = new Set<string>();

  constructor(
    private readonly options: RestoreOptions,
    private readonly header: ManifestHeader,
    private readonly selection: PathSelection | undefined,
    root: string,
  ) {
    this.#prefix = options.store.prefix;
    const settings: RestoreSettings = { root, prefix: this.#prefix, keepGoing: options.keepGoing ?? false };
    const { threads } = options;
    const entries = header.counts.files + header.counts.directories;
    // Threads take longer to start than a few files to write.
    const few = threads === undefined && entries < 500 && header.counts.bytes < 16 * 1024 * 1024;
    this.#crew =
      few || threads === 0 || options.dryRun
        ? new SoloCrew(new RestoreSession(settings))
        : new ThreadCrew(threads ?? defaultCrewSize() + THREADS_MORE, 1, options.spare)
            .begin({ kind: 'restore', settings })
            .warmUp();
  }

  async preview(): Promise<RestoreOutcome> {
    for await (const { files, lines } of this.#pages()) {
      for (const { size } of files) this.#countFile(size);
      this.#pageMemory.give(lines);
    }
    this.#refuseMissing();
    return this.#outcome();
  }

  async run(): Promise<RestoreOutcome> {
    const { signal } = this.options;
    try {
      return await unlessAborted(this.#restore(), signal);
    } finally {
      const closed = this.#crew.close();
      // On this thread it would go on for as long as the server takes to answer; it finds nothing any more to write into.
      if (!signal?.aborted || this.#crew instanceof ThreadCrew) await closed;
    }
  }

  async #restore(): Promise<RestoreOutcome> {
    try {
      for await (const page of this.#pages()) await this.#restorePage(page);
      await this.#settle();
      this.#refuseMissing();
      await this.#restoreLinks();
      await this.#finishDirectories();
      return this.#outcome();
    } catch (error) {
      await Promise.allSettled(this.#underWay);
      throw error;
    }
  }

  #pages(): AsyncGenerator<RestorePage> {
    const { store, manifestKey, keepGoing } = this.options;
    const isWanted = this.selection?.isWanted ?? (() => true);
    const selection = {
      needsPage: this.selection?.needsPage ?? (() => true),
      isWanted,
      ...(keepGoing ? { onDamage: (error: ArchiveDamagedError) => this.#lostPage(error) } : {}),
    };
    return readPages(store, manifestKey, this.header, selection, (checker, page, lines) => {
      const taken = this.#takePage(checker, page, lines, isWanted);
      release(lines);
      return taken;
    });
  }

  /** What is to be made of a page; its files are parsed by whoever makes them. */
  #takePage(
    checker: EntryChecker,
    page: PageReference,
    lines: Buffer,
    isWanted: (path: string) => boolean,
  ): RestorePage {
    const directories: number[] = [];
    const links: LinkEntry[] = [];
    const files: PlacedFile[] = [];
    const paths = new Set(this.selection?.paths);
    const found: string[] = [];
    let pack = '';
    checker.scan(
      page,
      lines,
      (line, path, start) => {
        if (!isWanted(path)) return;
        if (paths.has(path)) found.push(path);
        if (line.isDirectory) directories.push(start);
        else {
          if (!isSha256At(lines, line.pack, pack)) pack = sha256At(lines, line.pack);
          files.push({ start, size: line.size, pack, offset: line.offset });
        }
      },
      (entry, start) => {
        if (!isWanted(entry.path)) return;
        if (paths.has(entry.path)) found.push(entry.path);
        if (entry.type === 'directory') directories.push(start);
        else if (entry.type === 'file') {
          const [first] = entry.pieces;
          files.push({ start, size: entry.size, pack: first?.pack ?? '', offset: first?.offset ?? 0 });
        } else links.push(entry);
      },
      isWanted,
    );
    // Only what is sound is counted.
    for (const path of found) this.#found.add(path);
    this.#counts.directories += directories.length;
    for (const { type } of links) this.#counts[type === 'symlink' ? 'symlinks' : 'hardlinks'] += 1;
    const shared = this.#pageMemory.take(lines.length);
    Buffer.from(shared).set(lines);
    return { lines: shared, directories, links, files };
  }

  #lostPage({ key, problem }: ArchiveDamagedError): void {
    this.#damages.push({ path: '', key, problem: `${problem}: the entries of this page are lost` });
  }

  #countFile(size: number): void {
    this.#counts.files += 1;
    this.#counts.bytes += size;
  }

  #refuseMissing(): void {
    const missing = this.selection?.paths.filter((path) => !this.#found.has(path)) ?? [];
    if (missing.length > 0) throw new ArchiveError(`the point does not hold ${missing.map(displayPath).join(', ')}`);
  }

  async #restorePage({ lines, directories, links, files }: RestorePage): Promise<void> {
    // The manifest is sorted: what holds a directory comes before it, in this page or in one before.
    if (directories.length > 0) await this.#run({ do: 'directories', lines, starts: directories });
    const bytes = Buffer.from(lines);
    for (const start of directories) this.#directories.add(bytes.subarray(start, bytes.indexOf(NEWLINE, start) + 1));
    for (const link of links) this.#links.push(link);
    let left = 1;
    const giveBack = () => {
      left -= 1;
      if (left === 0) this.#pageMemory.give(lines);
    };
    for (const batch of fileBatches(files)) {
      left += 1;
      await this.#start({ do: 'files', lines, starts: batch }, giveBack);
    }
    giveBack();
  }

  /** Hard links first: nothing is ever written through a symbolic link, and no hard link is made to one. */
  async #restoreLinks(): Promise<void> {
    const hard = this.#links.filter(({ type }) => type === 'hardlink');
    const standIns = await this.#standIns(hard);
    for (const entry of standIns.files) await this.#start({ do: 'file', entry });
    await this.#settle();
    await this.#run({ do: 'links', entries: standIns.links });
    await this.#run({ do: 'links', entries: this.#links.filter(({ type }) => type === 'symlink') });
  }

  /** A hard link whose file was not asked for becomes a file; others of the same file become links to it. */
  async #standIns(links: readonly LinkEntry[]): Promise<{ files: FileEntry[]; links: LinkEntry[] }> {
    const { selection, options, header } = this;
    const orphans = selection ? links.filter(({ target }) => !selection.isSelected(target)) : [];
    if (orphans.length === 0) return { files: [], links: [...links] };
    const targets = new Set(orphans.map(({ target }) => target));
    const found = new Map<string, FileEntry>();
    for await (const { entries } of readEntries(options.store, options.manifestKey, header)) {
      for (const entry of entries) if (entry.type === 'file' && targets.has(entry.path)) found.set(entry.path, entry);
    }
    const firsts = new Map<string, string>();
    const files: FileEntry[] = [];
    const rest = links.flatMap((link): LinkEntry[] => {
      if (!targets.has(link.target)) return [link];
      const first = firsts.get(link.target);
      if (first !== undefined) return [{ ...link, target: first }];
      const entry = found.get(link.target);
      if (!entry) return [link];
      firsts.set(link.target, link.path);
      this.#counts.hardlinks -= 1;
      files.push({ ...entry, path: link.path });
      return [];
    });
    return { files, links: rest };
  }

  /** Inner directories first, since a mode may forbid what is within. */
  async #finishDirectories(): Promise<void> {
    for (const frame of this.#directories.newestFirst()) {
      const task: RestoreTask = { do: 'finish', frame };
      // Root may go into any directory, so that for it the order is of no matter.
      if (process.getuid?.() === 0) await this.#start(task);
      else await this.#run(task);
    }
    await this.#settle();
    await this.#run({ do: 'finish root', root: this.header.root });
  }

  /**
   * Begins a task when not too many are under way.
   *
   * @param onDone told when it has ended well
   */
  async #start(task: RestoreTask, onDone?: () => void): Promise<void> {
    while (this.#underWay.size >= this.#crew.size + TASKS_WAITING) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.error;
    const running = this.#run(task)
      .then(onDone)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure.error;
  }

  async #run(task: RestoreTask): Promise<void> {
    const ahead = this.#crew.size > THREADS_WITH_RANGES_AHEAD ? 1 : RANGES_AHEAD;
    const fetcher = new RangeFetcher(this.options.store, this.#rangeMemory, ahead);
    const answer = ({ with: question }: Question) => fetcher.answer(question as readonly Range[] | number);
    const result = await this.#crew.run<RestoreTaskResult>(task, answer).finally(() => fetcher.end());
    this.#adapt(result.callMs);
    this.#warnings.push(...result.warnings);
    this.#damages.push(...result.damages);
    this.#counts.files += result.files;
    this.#counts.bytes += result.bytes;
    const { files, bytes } = this.header.counts;
    if (result.files > 0) {
      this.options.onProgress?.({
        filesDone: this.#counts.files,
        filesTotal: this.selection ? this.#counts.files : files,
        bytesDone: this.#counts.bytes,
        bytesTotal: this.selection ? this.#counts.bytes : bytes,
      });
    }
  }

  /** Where each call waits for a server, more threads wait at the same time. */
  #adapt(callMs: number): void {
    if (!(this.#crew instanceof ThreadCrew) || this.options.threads !== undefined) return;
    if (callMs > 0) this.#crew.size = crewSizeFor(callMs, defaultCrewSize() + THREADS_MORE);
  }

  #outcome(): RestoreOutcome {
    const lost = this.#damages.filter(({ path }) => this.#links.some((link) => link.path === path)).length;
    return {
      manifestKey: this.options.manifestKey,
      ...this.#counts,
      hardlinks: this.#counts.hardlinks - lost,
      warnings: this.#warnings,
      damages: this.#damages,
      replaced: [],
      removedLeftOvers: [],
      otherLeftOvers: [],
    };
  }
}
