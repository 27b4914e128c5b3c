/** The point before, that an export takes from what did not change. */
import type { Authenticator } from '../authenticity';
import { pathOfLine } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { release } from '../frame';
import { MANIFEST_PREFIX, type ManifestHeader, type PageReference } from '../manifest';
import type { ObjectStore } from '../object-store';
import { examinePoint, listContents, listManifests, readHeader, readPage, type StoredPage } from '../points';
import type { Remark } from './remark';

export interface Parent {
  /** Of its manifest, below `manifests/`. */
  readonly name: string;
  readonly header: ManifestHeader;
}

export interface ParentSearch {
  /** A point that is not authentic by it is none to take from: what it says would be signed as if it were ours. */
  readonly authenticator?: Authenticator;
  /** Name of a manifest: only those that sort before it. */
  readonly before?: string;
}

/** The newest point that is whole: content of an incomplete or damaged one cannot be relied on. */
export async function findParent(
  store: ObjectStore,
  { authenticator, before }: ParentSearch = {},
): Promise<{ readonly parent: Parent | undefined; readonly warnings: readonly Remark[] }> {
  const folder = store.prefix + MANIFEST_PREFIX;
  const keys = (await listManifests(store)).filter((key) => before === undefined || key < folder + before).reverse();
  if (keys.length === 0) return { parent: undefined, warnings: [] };
  const present = await listContents(store);
  const warnings: Remark[] = [];
  for (const key of keys) {
    const { header, complete, problems, authentic } = await examinePoint(store, key, present, authenticator);
    if (header && complete) return { parent: { name: key.slice(folder.length), header }, warnings };
    const state = !header ? 'damaged' : authentic === false ? 'not authentic' : 'incomplete';
    warnings.push({ path: key, reason: `an earlier point is ${state}: ${problems.join(', ')}` });
  }
  return { parent: undefined, warnings };
}

/** The parent that an export has begun with, by its name. */
export async function readParent(store: ObjectStore, name: string): Promise<Parent> {
  return { name, header: await readHeader(store, store.prefix + MANIFEST_PREFIX + name) };
}

/**
 * Decoded pages that are kept: all of a volume of a hundred thousand files, whose pages are asked for twice where some
 * lines of each changed. Of a larger one, the last.
 */
const KEPT_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

/** A page that lines are taken from. */
export type KnownPage = StoredPage & Pick<PageReference, 'first'>;

/** Decoded pages, in memory that the threads share. */
export class ParentPageCache {
  readonly #lengths = new Map<number, number>();
  readonly #pages = new Map<number, Promise<SharedArrayBuffer>>();

  constructor(
    private readonly store: ObjectStore,
    private readonly pages: readonly KnownPage[],
    /** Says whether a page that is damaged is to count as empty: then all that it lists is read as if it were new. */
    private readonly isDispensable: (page: number, damage: ArchiveDamagedError) => boolean,
  ) {}

  lengthOf(page: number): number | undefined {
    return this.#lengths.get(page);
  }

  get(page: number): Promise<SharedArrayBuffer> {
    const lines = this.#take(page);
    // What is asked for next is in all likelihood the page behind it.
    if (page + 1 < this.pages.length && !this.#lengths.has(page + 1)) void this.#take(page + 1);
    return lines;
  }

  #take(page: number): Promise<SharedArrayBuffer> {
    const known = this.#pages.get(page);
    this.#pages.delete(page);
    const lines = known ?? this.#read(page);
    this.#pages.set(page, lines);
    return lines;
  }

  /** The one that was asked for the longest time ago goes first; one that is being read is none of them. */
  #letGo(): void {
    let kept = 0;
    for (const page of this.#pages.keys()) kept += this.#lengths.get(page) ?? 0;
    for (const page of this.#pages.keys()) {
      if (kept <= KEPT_BYTES || this.#pages.size === 1) return;
      kept -= this.#lengths.get(page) ?? 0;
      this.#pages.delete(page);
    }
  }

  #read(page: number): Promise<SharedArrayBuffer> {
    const known = this.pages[page]!;
    const reading = readPage(this.store, known)
      .then((lines) => {
        if (lines.at(-1) === NEWLINE && pathOfLine(lines, 0) === known.first) return lines;
        throw new ArchiveDamagedError(this.store.prefix + known.key, 'the page is not what its manifest says');
      })
      .catch((error: unknown) => {
        // Of one that was sound before, lines are in use by their places.
        const isFirst = !this.#lengths.has(page);
        if (isFirst && error instanceof ArchiveDamagedError && this.isDispensable(page, error)) return Buffer.alloc(0);
        throw error;
      })
      .then((lines) => {
        const shared = new SharedArrayBuffer(lines.length);
        Buffer.from(shared).set(lines);
        this.#lengths.set(page, lines.length);
        release(lines);
        this.#letGo();
        return shared;
      });
    reading.catch(() => {});
    return reading;
  }
}
