/** Which part of a point is wanted: some paths, what is under them, and the directories that lead there. */
import { comparePaths } from '../byte-path';
import type { EntrySelection } from '../points';
import type { ManifestHeader } from '../manifest';

export interface PathSelection extends EntrySelection {
  /** As they were asked for, without slashes at the ends. */
  readonly paths: readonly string[];
  /** Whether it was asked for, or is under what was. */
  readonly isSelected: (path: string) => boolean;
}

/** Undefined: everything. */
export function selectPaths(
  { pages }: ManifestHeader,
  asked: readonly string[] | undefined,
): PathSelection | undefined {
  const paths = asked?.map((path) => path.replace(/^(\.?\/+)+|\/+$/g, ''));
  if (!paths || paths.some((path) => path === '' || path === '.')) return undefined;
  const isSelected = (path: string) => paths.some((root) => path === root || path.startsWith(`${root}/`));
  const leadsThere = (path: string) => paths.some((root) => root.startsWith(`${path}/`));
  // '0' is the character after '/': what is under a path lies between the two.
  const ranges = paths.flatMap((root) => [
    ...ancestorsOf(root).map((path) => [path, path] as const),
    [root, `${root}0`] as const,
  ]);
  return {
    paths,
    isSelected,
    isWanted: (path) => isSelected(path) || leadsThere(path),
    needsPage: (index) => {
      const next = pages[index + 1]?.first;
      return ranges.some(
        ([from, to]) =>
          comparePaths(pages[index]!.first, to) <= 0 && (next === undefined || comparePaths(next, from) > 0),
      );
    },
  };
}

function ancestorsOf(path: string): string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}
