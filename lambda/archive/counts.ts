/** How much of what. */
export interface Counts {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  /** Sum of the sizes of the files. */
  readonly bytes: number;
}

export const NOTHING: Counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };

export const addCounts = (a: Counts, b: Counts): Counts => ({
  files: a.files + b.files,
  directories: a.directories + b.directories,
  symlinks: a.symlinks + b.symlinks,
  hardlinks: a.hardlinks + b.hardlinks,
  bytes: a.bytes + b.bytes,
});

export const countLines = ({ files, directories, symlinks, hardlinks }: Counts): number =>
  files + directories + symlinks + hardlinks;

/** Counts one more; a file with its size. */
export function countOne(counts: Counts, type: 'file' | 'directory' | 'symlink' | 'hardlink', size = 0): Counts {
  const mutable = counts as { -readonly [K in keyof Counts]: Counts[K] };
  if (type === 'file') {
    mutable.files += 1;
    mutable.bytes += size;
  } else if (type === 'directory') mutable.directories += 1;
  else if (type === 'symlink') mutable.symlinks += 1;
  else mutable.hardlinks += 1;
  return counts;
}
