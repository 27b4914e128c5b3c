/** What was found and what is still to be visited, in the order of the manifest. */
import { countLines } from '../counts';
import type { HoleItem, Item } from './item';

interface Node {
  item: Item;
  taken: boolean;
  next: Node | undefined;
}

/** A hole that somebody visits; what is in it takes its place. */
export interface TakenHole {
  readonly hole: HoleItem;
  readonly replace: (items: readonly Item[]) => void;
}

/** Of the entries that were in the last holes. */
class Mean {
  mean = 100;

  add(value: number): void {
    this.mean = Math.max(1, this.mean + (value - this.mean) / 16);
  }
}

/** Lines that wait behind a hole, at most: then nothing new is begun until the hole is filled. */
const MAX_WAITING_BYTES = 24 * 1024 * 1024;

export class Frontier {
  #head: Node | undefined;
  readonly #directorySize = new Mean();
  readonly #namesSize = new Mean();
  readonly #waitingSize = new Mean();
  #waitingBytes = 0;
  /** Holes that nobody has taken, and those of them that wait. */
  #open = 0;
  #waiting = 0;

  constructor(items: readonly Item[]) {
    this.#head = chain(items, undefined);
    this.#waitingBytes = bytesIn(items);
    this.#open = holesIn(items);
    this.#waiting = waitingIn(items);
  }

  /** False while too much waits for what is under way. */
  mayGoOn(): boolean {
    return this.#waitingBytes < MAX_WAITING_BYTES || !this.#anyTaken();
  }

  hasHoles(): boolean {
    return this.#open > 0;
  }

  /**
   * The next holes in order: neighbours, so that a task goes along the parent's lines; and no more of them than the task
   * will fill, so that nothing stands far behind what is still open.
   *
   * @param takers of what is open: each must find something, however little there is
   * @param isKnown what is stored already: those that wait for it are taken too
   */
  take(entries: number, takers = 1, isKnown = true): readonly TakenHole[] | undefined {
    const taken: TakenHole[] = [];
    const share = Math.ceil((isKnown ? this.#open : this.#open - this.#waiting) / takers);
    let expected = 0;
    for (let node = this.#firstOpen(isKnown); node && expected < entries && taken.length < share; node = node.next) {
      if (node.item.kind !== 'hole' || (node.item.waits && !isKnown)) continue;
      if (node.taken) break;
      const { item } = node;
      const place = node;
      const size = this.#sizeOf(item);
      place.taken = true;
      this.#open -= 1;
      if (item.waits) this.#waiting -= 1;
      taken.push({ hole: item, replace: (items) => this.#fill(place, items, size) });
      expected += size.mean;
    }
    return taken.length > 0 ? taken : undefined;
  }

  first(): Item | undefined {
    return this.#head?.item;
  }

  shift(): void {
    const head = this.#head!;
    if (head.item.kind === 'lines') this.#waitingBytes -= head.item.lines.length;
    this.#head = head.next;
  }

  /** Takes from the front, up to the first hole or until there are so many. */
  takeLinked(most: number): readonly Item[] {
    const items: Item[] = [];
    let linked = 0;
    while (this.#head && this.#head.item.kind !== 'hole' && linked < most) {
      if (this.#head.item.kind === 'linked') linked += 1;
      items.push(this.#head.item);
      this.shift();
    }
    return items;
  }

  /** Everything that was not taken from the front; holes as if nobody had begun with them. */
  left(): readonly Item[] {
    const items: Item[] = [];
    for (let node = this.#head; node; node = node.next) items.push(node.item);
    return items;
  }

  #sizeOf({ names, waits }: HoleItem): Mean {
    if (waits) return this.#waitingSize;
    return names === undefined ? this.#directorySize : this.#namesSize;
  }

  #firstOpen(isKnown: boolean): Node | undefined {
    const isOpen = ({ item, taken }: Node) => item.kind === 'hole' && !taken && (isKnown || !item.waits);
    let node = this.#head;
    while (node && !isOpen(node)) node = node.next;
    return node;
  }

  #anyTaken(): boolean {
    for (let node = this.#head; node; node = node.next) if (node.taken) return true;
    return false;
  }

  #fill(place: Node, items: readonly Item[], size: Mean): void {
    // One that was not begun says nothing.
    const [only] = items;
    const begun = items.length !== 1 || only?.kind !== 'hole' || only.path !== (place.item as HoleItem).path;
    if (begun) size.add(entriesIn(items));
    this.#replace(place, items);
  }

  /** In place, so that whoever stands before it need not be known. */
  #replace(place: Node, items: readonly Item[]): void {
    this.#waitingBytes += bytesIn(items);
    this.#open += holesIn(items);
    this.#waiting += waitingIn(items);
    const [first, ...rest] = items.length > 0 ? items : [EMPTY];
    place.item = first!;
    place.taken = false;
    place.next = chain(rest, place.next);
  }
}

/** Stands for a hole in which nothing was. */
const EMPTY: Item = {
  kind: 'lines',
  lines: new Uint8Array(),
  frames: [],
  counts: { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 },
};

function chain(items: readonly Item[], next: Node | undefined): Node | undefined {
  let head = next;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    head = { item: items[index]!, taken: false, next: head };
  }
  return head;
}

const entriesIn = (items: readonly Item[]) =>
  items.reduce((sum, item) => sum + ('counts' in item ? countLines(item.counts) : 1), 0);

const holesIn = (items: readonly Item[]) => items.reduce((sum, { kind }) => sum + (kind === 'hole' ? 1 : 0), 0);

const waitingIn = (items: readonly Item[]) =>
  items.reduce((sum, item) => sum + (item.kind === 'hole' && item.waits ? 1 : 0), 0);

const bytesIn = (items: readonly Item[]) =>
  items.reduce((sum, item) => sum + (item.kind === 'lines' ? item.lines.length : 0), 0);
