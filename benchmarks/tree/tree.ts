/** Trees on disk: made once, mutated, and brought back to what they were. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { contentOf } from './content';
import { layout, LAYOUT_VERSION, type TreeFile, type TreeSize } from './layout';
import { mutate, type Mutation, mutationOf } from './mutation';

interface Marker {
  /** Mutations that the tree on disk has, or may have: written before the first file changes. */
  readonly mutations: number;
}

export class Tree {
  readonly root: string;
  readonly #marker: string;
  #files: readonly TreeFile[];

  private constructor(
    readonly size: TreeSize,
    readonly seed: string,
    folder: string,
    private readonly original: readonly TreeFile[],
    private mutations: number,
  ) {
    this.root = join(folder, 'tree');
    this.#marker = join(folder, 'complete.json');
    this.#files = original;
  }

  get files(): readonly TreeFile[] {
    return this.#files;
  }

  /** The tree under `cache`, made when it is not there; as its layout says, whatever was done to it before. */
  static open(cache: string, size: TreeSize, seed: string, say: (line: string) => void = () => {}): Tree {
    const folder = join(cache, 'trees', `${size.name}-${seed}-v${LAYOUT_VERSION}`);
    const { files, links } = layout(size, seed);
    const markerPath = join(folder, 'complete.json');
    if (existsSync(markerPath)) {
      const { mutations } = JSON.parse(readFileSync(markerPath, 'utf8')) as Marker;
      const tree = new Tree(size, seed, folder, files, mutations);
      tree.reset();
      return tree;
    }
    rmSync(folder, { recursive: true, force: true });
    const tree = new Tree(size, seed, folder, files, 0);
    files.forEach((file, index) => {
      tree.#write(file);
      if (index % Math.ceil(files.length / 10) === 0) say(`${index} of ${files.length} files`);
    });
    for (const { path, target } of links) symlinkSync(target, tree.#prepared(path));
    tree.#mark(0);
    return tree;
  }

  /** Applies the next mutation. */
  mutate(): Mutation {
    const mutation = mutationOf(this.#files, this.seed, this.mutations + 1);
    this.#mark(this.mutations + 1);
    for (const { path } of mutation.removed) rmSync(join(this.root, path));
    for (const file of [...mutation.changed, ...mutation.added]) this.#write(file);
    this.#files = mutate(this.#files, mutation);
    return mutation;
  }

  /** Undoes every mutation. */
  reset(): void {
    if (this.mutations === 0) return;
    const original = new Map(this.original.map((file) => [file.path, file]));
    const touched = new Set<string>();
    let files = this.original;
    for (let round = 1; round <= this.mutations; round += 1) {
      const mutation = mutationOf(files, this.seed, round);
      for (const { path } of [...mutation.changed, ...mutation.added, ...mutation.removed]) touched.add(path);
      files = mutate(files, mutation);
    }
    for (const path of touched) {
      const file = original.get(path);
      if (file) this.#write(file);
      else rmSync(join(this.root, path), { force: true });
    }
    this.#files = this.original;
    this.#mark(0);
  }

  #mark(mutations: number): void {
    this.mutations = mutations;
    writeFileSync(this.#marker, JSON.stringify({ mutations } satisfies Marker));
  }

  #write(file: TreeFile): void {
    const path = this.#prepared(file.path);
    writeFileSync(path, contentOf(file));
    chmodSync(path, file.mode);
    utimesSync(path, file.mtimeSeconds, file.mtimeSeconds);
  }

  readonly #made = new Set<string>();

  #prepared(relative: string): string {
    const path = join(this.root, relative);
    const folder = dirname(path);
    if (!this.#made.has(folder)) mkdirSync(folder, { recursive: true });
    this.#made.add(folder);
    return path;
  }
}
