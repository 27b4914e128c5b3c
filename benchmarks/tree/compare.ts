/** Whether a restored tree is the tree that was exported: every name, content, link, mode, owner and time. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = 'a directory';

interface Found {
  readonly content: string;
  /** Empty for links, and times of directories left out: restoring beside them changes them. */
  readonly metadata: string;
}

/** By path. */
export type Fingerprint = ReadonlyMap<string, Found>;

/** Reads all of a tree, which also warms it up. */
export function fingerprint(root: string): Fingerprint {
  const found = new Map<string, Found>();
  const visit = (relative: string) => {
    for (const name of readdirSync(join(root, relative)).sort()) {
      const path = relative === '' ? name : `${relative}/${name}`;
      const stat = lstatSync(join(root, path));
      const owned = `mode ${(stat.mode & 0o7777).toString(8)}, owner ${stat.uid}:${stat.gid}`;
      if (stat.isDirectory()) {
        found.set(path, { content: DIRECTORY, metadata: owned });
        visit(path);
      } else if (stat.isSymbolicLink()) {
        found.set(path, { content: `a link to ${readlinkSync(join(root, path))}`, metadata: '' });
      } else {
        const sha256 = createHash('sha256')
          .update(readFileSync(join(root, path)))
          .digest('hex');
        const content = `${stat.size} bytes with SHA-256 ${sha256}`;
        found.set(path, { content, metadata: `${owned}, modified ${new Date(stat.mtimeMs).toISOString()}` });
      }
    }
  };
  visit('');
  return found;
}

/**
 * What differs, a line each, at most `limit` lines. None: the trees are the same. `content`: of files and links alone, since
 * a store of objects keeps no metadata, and no directory that is empty.
 */
export function differences(
  expected: Fingerprint,
  actual: Fingerprint,
  of: 'everything' | 'content',
  limit = 5,
): string[] {
  const text = (found: Found | undefined) => {
    if (found === undefined || (of === 'content' && found.content === DIRECTORY)) return 'nothing';
    return of === 'content' || found.metadata === '' ? found.content : `${found.content}, ${found.metadata}`;
  };
  const lines: string[] = [];
  for (const path of new Set([...expected.keys(), ...actual.keys()])) {
    if (lines.length === limit) break;
    const [wanted, got] = [text(expected.get(path)), text(actual.get(path))];
    if (wanted !== got) lines.push(`${path}: expected ${wanted}; got ${got}`);
  }
  return lines;
}
