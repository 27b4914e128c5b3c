/** What was found and what is still to be visited, in the order of the manifest. */
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

const HOLES_AT_ONCE = 128;
/** Lines that wait behind a hole, at most: then nothing new is begun until the hole is filled. */
const MAX_WAITING_TEXT = 48 * 1024 * 1024;

export class Frontier {
  #head: Node | undefined;
  #waitingText = 0;

  constructor(items: readonly Item[]) {
    this.#head = chain(items, undefined);
    this.#waitingText = textIn(items);
  }

  /** False while too much waits for what is under way. */
  mayGoOn(): boolean {
    return this.#waitingText < MAX_WAITING_TEXT || !this.#anyTaken();
  }

  hasHoles(): boolean {
    return this.#firstOpen() !== undefined;
  }

  /**
   * The next holes in order: neighbours, so that a task goes along the parent's lines.
   *
   * @param takers among whom what is left is to be shared
   */
  take(takers: number): readonly TakenHole[] | undefined {
    const open: Node[] = [];
    for (let node = this.#firstOpen(); node && open.length < HOLES_AT_ONCE * 2; node = node.next) {
      if (node.item.kind !== 'hole') continue;
      if (node.taken) break;
      open.push(node);
    }
    const fair = Math.min(HOLES_AT_ONCE, Math.ceil(open.length / takers));
    const taken = open.slice(0, fair).map((node): TakenHole => {
      node.taken = true;
      return { hole: node.item as HoleItem, replace: (items) => this.#replace(node, items) };
    });
    return taken.length > 0 ? taken : undefined;
  }

  first(): Item | undefined {
    return this.#head?.item;
  }

  shift(): void {
    const head = this.#head!;
    if (head.item.kind === 'lines') this.#waitingText -= head.item.text.length;
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

  #firstOpen(): Node | undefined {
    let node = this.#head;
    while (node && (node.item.kind !== 'hole' || node.taken)) node = node.next;
    return node;
  }

  #anyTaken(): boolean {
    for (let node = this.#head; node; node = node.next) if (node.taken) return true;
    return false;
  }

  /** In place, so that whoever stands before it need not be known. */
  #replace(place: Node, items: readonly Item[]): void {
    this.#waitingText += textIn(items);
    const [first, ...rest] = items.length > 0 ? items : [EMPTY];
    place.item = first!;
    place.taken = false;
    place.next = chain(rest, place.next);
  }
}

/** Stands for a hole in which nothing was. */
const EMPTY: Item = {
  kind: 'lines',
  text: '',
  counts: { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 },
};

function chain(items: readonly Item[], next: Node | undefined): Node | undefined {
  let head = next;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    head = { item: items[index]!, taken: false, next: head };
  }
  return head;
}

const textIn = (items: readonly Item[]) =>
  items.reduce((sum, item) => sum + (item.kind === 'lines' ? item.text.length : 0), 0);
