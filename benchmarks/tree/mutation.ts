/** The 1 % of a tree that changes between two exports. Pure. */
import { NEWEST_MTIME_SECONDS, type TreeFile } from './layout';
import { pick, randomOf } from './random';

export interface Mutation {
  /** Written anew with other content, some with another size. */
  readonly changed: readonly TreeFile[];
  readonly added: readonly TreeFile[];
  readonly removed: readonly TreeFile[];
}

/** Parts of the tree's files: 0.8 % change, 0.1 % are added, 0.1 % are removed. */
const CHANGED = 0.008;
const ADDED = 0.001;
const REMOVED = 0.001;

/** The mutation number `round` (from 1) of a tree with these files; the same for the same seed and files. */
export function mutationOf(files: readonly TreeFile[], seed: string, round: number): Mutation {
  const random = randomOf(`${seed}/mutation/${round}`);
  const count = (part: number) => Math.max(1, Math.round(files.length * part));
  const chosen = new Set<TreeFile>();
  while (chosen.size < count(CHANGED) + count(REMOVED)) chosen.add(files[pick(random, files.length)]!);
  const touched = [...chosen];
  const mtimeSeconds = NEWEST_MTIME_SECONDS + round * 3600;
  const anew = (file: TreeFile): TreeFile => ({
    ...file,
    contentKey: `${file.contentKey}#${round}`,
    bytes: random() < 0.5 ? file.bytes : Math.round(file.bytes * (0.8 + 0.4 * random())),
    mtimeSeconds,
  });
  return {
    removed: touched.slice(0, count(REMOVED)),
    changed: touched.slice(count(REMOVED)).map(anew),
    added: Array.from({ length: count(ADDED) }, (_, index) => {
      const like = anew(files[pick(random, files.length)]!);
      const path = like.path.replace(/(?<=\/)[^/]*$/, `added-${round}-${index}-$&`);
      return { ...like, path, contentKey: `${like.contentKey}/added-${index}` };
    }),
  };
}

export function mutate(files: readonly TreeFile[], { changed, added, removed }: Mutation): TreeFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const { path } of removed) byPath.delete(path);
  for (const file of [...changed, ...added]) byPath.set(file.path, file);
  return [...byPath.values()];
}
