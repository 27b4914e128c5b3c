/** Trees on disk for the tests of the archive, and their comparison, which is the tests' oracle. */
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'archive-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A line for everything in a tree, with names as hex so that any bytes compare. */
export function describeTree(root: string): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const visit = (path: Buffer, shown: string) => {
    const stat = lstatSync(path, { bigint: true });
    const meta = `${shown} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeNs / 1000n}`;
    if (stat.isSymbolicLink()) lines.push(`${meta} -> ${readlinkSync(path, { encoding: 'buffer' }).toString('hex')}`);
    else if (stat.isFile()) {
      const first = stat.nlink > 1n ? inodes.get(stat.ino) : undefined;
      inodes.set(stat.ino, shown);
      const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
      lines.push(`${meta} ${stat.size} ${sha256} ${first === undefined ? '' : `= ${first}`}`);
    } else {
      lines.push(meta);
      const names = readdirSync(path, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
      for (const name of names)
        visit(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('hex')}`);
    }
  };
  visit(Buffer.from(root), '.');
  return lines;
}
