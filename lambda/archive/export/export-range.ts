/** Walks a volume, or the rest of it, with all threads, and gives its pages in order. On the main thread. */
import { linkLine } from '../entry';
import type { Crew } from '../crew/crew';
import type { Answer, Question } from '../crew/effect';
import type { ObjectStore } from '../object-store';
import { NOTHING, countOne } from '../counts';
import { ArchiveError } from '../errors';
import type { PackReference } from '../manifest';
import { type ContentLimits, pagesInOrder, SharedContents } from './contents-of-parent';
import { type Differences, DifferingLines } from './differing-lines';
import type { Chunk } from './frame-writer';
import { type HoleItem, type Item, linesItem, type LinkedItem, resolvePieces } from './item';
import { PageBuilder } from './page-builder';
import { PackBuilder } from './pack-builder';
import type { Parent } from './parent';
import { type KnownPage, linesOfPage, type PageQuestion, ParentPageCache } from './parent-pages';
import { noRemarks, type Remarks } from './remark';
import type { EncodeResult, ReadLine, ReadResult, VisitResult, Work } from './session';
import { Frontier } from './frontier';
import type { RangeOutcome } from './state';

/** Entries that a thread visits before it says what it found. */
const ENTRIES_AT_ONCE = 1000;
/** A small tree is done with the first task; of a large one, this shows enough for all threads to begin. */
const ENTRIES_AT_FIRST = 300;
/** Files with several names that are read at once. */
const LINKED_AT_ONCE = 500;

/** Of so many changed files those that look like noise are kept in memory. */
const MAX_NOISY = 10_000;

export interface RangeProgress {
  readonly entries: number;
  readonly filesRead: number;
  readonly bytesRead: number;
}

export interface RangeOptions {
  readonly store: ObjectStore;
  readonly crew: Crew;
  readonly parent: Parent | undefined;
  readonly segmentCounter: Int32Array;
  /** Where to go on; the whole volume at first. */
  readonly items: readonly Item[];
  /** Pages that this export has made before: what they store is not stored again. */
  readonly ownPages: readonly KnownPage[];
  /** Of inodes with several names, what was found before: the name that carries the content. */
  readonly firstNames: readonly (readonly [inode: string, path: string])[];
  /** Default: {@link CONTENT_LIMITS}. */
  readonly contentLimits?: ContentLimits;
  /** When it says so, what is under way is ended, and what is left comes back. */
  readonly isTimeUp: () => boolean;
  readonly onProgress: (progress: RangeProgress) => void;
  /** How long the file system's calls take, in milliseconds. */
  readonly onLatency: (callMs: number) => void;
  /**
   * Told what differs between the parent and the items, and the packs that were made, while pages are still made: where all items
   * were done, and not much differs. Where it is known which files look like noise, packs may not be stored yet. Pages of the
   * parent that are looked at for it are fetched where they are not kept any more.
   */
  readonly onDifferences?: ((differences: Differences, packs: readonly PackReference[]) => void) | undefined;
}

export class ExportRange {
  readonly #packs: PackBuilder;
  readonly #pages: PageBuilder;
  readonly #contents: SharedContents;
  readonly #knownPages: ParentPageCache;
  readonly #frontier: Frontier;
  readonly #differing: DifferingLines;
  /** While it is looked up what is stored, and threads go on meanwhile. */
  #filling: Promise<void> | undefined;
  /** Paths. */
  #noisy: Set<string> | undefined = new Set();
  readonly #remarks = noRemarks();
  /** Of inodes with several names: the name that carries the content. */
  readonly #firstNames: Map<string, string>;
  #entries = 0;
  #filesRead = 0;
  #bytesRead = 0;

  constructor(private readonly options: RangeOptions) {
    const { store, parent, crew, segmentCounter } = options;
    const known = [...(parent?.header.pages ?? []), ...options.ownPages];
    this.#firstNames = new Map(options.firstNames);
    this.#packs = new PackBuilder(store);
    this.#knownPages = new ParentPageCache(store, known, (page, { key, problem }) => {
      // Pages of this export itself are part of the point to be.
      if (!parent || page >= parent.header.pages.length) return false;
      const reason = `${problem}: it belongs to ${parent.name}, from which unchanged files are taken; what it lists was read and stored anew`;
      this.#remarks.warnings.push({ path: key, reason });
      return true;
    });
    this.#contents = new SharedContents(
      segmentCounter,
      pagesInOrder(options.items, parent?.header.pages ?? [], options.ownPages.length),
      (page, look) => this.#withPage(page, look),
      options.contentLimits,
    );
    this.#differing = new DifferingLines({
      keys: parent?.header.pages.map(({ key }) => key) ?? [],
      lengthOf: (page) => this.#knownPages.lengthOf(page),
      withLines: (page, look) => this.#withPage(page, look),
    });
    this.#pages = new PageBuilder({
      store,
      packs: this.#packs,
      parent: parent?.header,
      parentLength: (page) => this.#knownPages.lengthOf(page),
      differing: this.#differing,
      encode: (parts) => {
        const transfer = parts.flatMap((part) => ('lines' in part ? [part.lines.buffer] : []));
        return crew.run<EncodeResult>({ do: 'encode', parts }, this.#answer, transfer);
      },
    });
    this.#frontier = new Frontier(options.items);
  }

  async run(): Promise<RangeOutcome> {
    const { crew } = this.options;
    try {
      await this.#walk();
      await crew.each({ do: 'flush' }, this.#answer);
      const packed = this.#packs.finish();
      const finishing = [this.#pages.finish(), this.#tellDifferences(packed)] as const;
      // A pack that cannot be put is what is told, not what comes of it.
      for (const each of finishing) each.catch(() => {});
      await packed;
      const [pages] = await Promise.all(finishing);
      return {
        pages,
        packs: Array.from(this.#packs.packs.values()),
        remarks: this.#remarks,
        filesRead: this.#filesRead,
        bytesRead: this.#bytesRead,
        bytesStored: this.#packs.bytesStored + this.#pages.bytesStored,
        left: this.#frontier.left().map((item) => this.#resolved(item)),
        firstNames: Array.from(this.#firstNames),
      };
    } catch (error) {
      await this.#packs.abandon(error);
      throw error;
    } finally {
      this.#contents.stop();
    }
  }

  async #tellDifferences(packed: Promise<void>): Promise<void> {
    const { onDifferences } = this.options;
    if (!onDifferences || this.#frontier.first()) return;
    // Then new contents are looked at where they are stored.
    if (!this.#noisy) await packed;
    await this.#pages.untilToldDiffering();
    const { differences } = this.#differing;
    if (differences) onDifferences({ ...differences, noisy: this.#noisy }, Array.from(this.#packs.packs.values()));
  }

  async #withPage<T>(page: number, look: (lines: Buffer) => T): Promise<T> {
    const lines = linesOfPage(await this.#knownPages.get({ page, done: [] }));
    try {
      return look(lines);
    } finally {
      this.#knownPages.done(page);
    }
  }

  /** With where its frames are now, since their numbers mean nothing to whoever goes on. */
  #resolved(item: Item): Item {
    if (item.kind !== 'lines' || item.frames.length === 0) return item;
    const places = new Map(item.frames.map((frame) => [frame, this.#packs.placeOf(frame)!]));
    return linesItem(resolvePieces(Buffer.from(item.lines).toString('utf8'), places), [], item.counts);
  }

  async #walk(): Promise<void> {
    const { crew, isTimeUp } = this.options;
    const underWay = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for (;;) {
      // Whatever the time, something is done: or an export of many short turns would never end.
      while (
        !failure &&
        underWay.size < crew.size * 2 &&
        (this.#entries + underWay.size === 0 || !isTimeUp()) &&
        this.#frontier.mayGoOn()
      ) {
        const holes = this.#frontier.take(ENTRIES_AT_ONCE, crew.size, this.#contents.isFilled);
        if (!holes) break;
        const visit = this.#visit(holes.map(({ hole }) => hole))
          .then((outputs) => {
            for (const [index, taken] of holes.entries()) taken.replace(outputs[index]!);
          })
          .catch((error: unknown) => {
            failure ??= { error };
          })
          .finally(() => underWay.delete(visit));
        underWay.add(visit);
      }
      if (!failure) await this.#emit();
      if (failure) {
        await Promise.allSettled(underWay);
        throw failure.error;
      }
      if (underWay.size === 0) {
        if (!this.#frontier.hasHoles() || (this.#entries > 0 && isTimeUp())) return;
        // What is left waits for this.
        await this.#contents.fill();
      } else await Promise.race(this.#filling ? [...underWay, this.#filling] : underWay);
    }
  }

  /** Its end, whatever it is, has the walk look again at what waits for it. Who needs it is told of its failure. */
  #beginFill(): void {
    if (this.#contents.isFilled) return;
    const ended = () => (this.#filling = undefined);
    this.#filling ??= this.#contents.fill().then(ended, ended);
  }

  async #visit(holes: readonly HoleItem[]): Promise<readonly (readonly Item[])[]> {
    const { crew } = this.options;
    const entries = this.#entries === 0 ? ENTRIES_AT_FIRST : ENTRIES_AT_ONCE;
    const result = await crew.run<VisitResult>({ do: 'visit', holes, entries }, this.#answer);
    this.#note(result);
    return result.outputs;
  }

  #note({ remarks, work }: { readonly remarks: Remarks; readonly work: Work }): void {
    for (const kind of ['excluded', 'problems', 'warnings'] as const) this.#remarks[kind].push(...remarks[kind]);
    this.#entries += work.entries;
    this.#filesRead += work.filesRead;
    this.#bytesRead += work.bytesRead;
    if (!work.noisy || (this.#noisy?.size ?? 0) > MAX_NOISY) this.#noisy = undefined;
    for (const path of work.noisy ?? []) this.#noisy?.add(path);
    if (work.left) this.#beginFill();
    if (work.callMs > 0) this.options.onLatency(work.callMs);
    const { onProgress } = this.options;
    onProgress({ entries: this.#entries, filesRead: this.#filesRead, bytesRead: this.#bytesRead });
  }

  /** What stands in front and is known goes into the pages. */
  async #emit(): Promise<void> {
    for (;;) {
      const item = this.#frontier.first();
      if (!item || item.kind === 'hole') return;
      if (item.kind === 'linked') await this.#emitLinked(this.#frontier.takeLinked(LINKED_AT_ONCE));
      else {
        this.#pages.add(item);
        this.#frontier.shift();
      }
    }
  }

  /**
   * The first name of an inode, in the order of the manifest, carries the content; the others are links to it. A name that
   * cannot be read any more leaves it to the next.
   */
  async #emitLinked(items: readonly (Item | LinkedItem)[]): Promise<void> {
    const lines = new Map<LinkedItem, ReadLine>();
    const gone = new Set<LinkedItem>();
    const linked = items.filter((item) => item.kind === 'linked');
    for (;;) {
      const wanted = new Map<string, LinkedItem>();
      for (const item of linked) {
        const inode = inodeOf(item);
        if (this.#firstNames.has(inode) || gone.has(item)) continue;
        if (item.line?.unchanged) this.#firstNames.set(inode, item.path);
        else if (!wanted.has(inode)) wanted.set(inode, item);
      }
      if (wanted.size === 0) break;
      const files = Array.from(wanted.values());
      const result = await this.options.crew.run<ReadResult>({ do: 'read', files }, this.#answer);
      this.#note(result);
      for (const [index, line] of result.lines.entries()) {
        const item = files[index]!;
        if (!line) gone.add(item);
        else {
          lines.set(item, line);
          this.#firstNames.set(inodeOf(item), item.path);
        }
      }
    }
    for (const item of items) {
      if (item.kind === 'lines' || item.kind === 'span') this.#pages.add(item);
      else if (item.kind === 'linked' && !gone.has(item)) this.#addLinked(item, lines.get(item));
    }
  }

  #addLinked(item: LinkedItem, read: ReadLine | undefined): void {
    const { path, stat, line } = item;
    const first = this.#firstNames.get(inodeOf(item))!;
    if (first === path) {
      const size = read?.size ?? stat.size;
      const counts = countOne({ ...NOTHING }, 'file', size);
      if (read) this.#pages.add(linesItem(read.text, read.frames, counts));
      else this.#pages.add({ kind: 'span', page: line!.page, start: line!.start, end: line!.end, counts });
      return;
    }
    const text = linkLine('hardlink', path, stat, first);
    const counts = countOne({ ...NOTHING }, 'hardlink');
    if (line?.text === text)
      this.#pages.add({ kind: 'span', page: line.page, start: line.start, end: line.end, counts });
    else this.#pages.add(linesItem(text, [], counts));
  }

  readonly #answer = async ({ ask, with: argument }: Question): Promise<Answer> => {
    switch (ask) {
      case 'chunk':
        await this.#packs.add(argument as Chunk);
        return { value: undefined };
      case 'page':
        return { value: await this.#knownPages.get(argument as PageQuestion) };
      case 'segment':
        return { value: await this.#contents.segment(argument as number) };
      default:
        throw new ArchiveError(`a thread asked for ${ask}`);
    }
  };
}

const inodeOf = ({ stat }: LinkedItem) => `${stat.dev}:${stat.ino}`;
