/** Trees on disk for the tests of the archive, and their comparison, which is the tests' oracle. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'archive-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a tree is made of: the content of a file, `{}` for a directory, or one of the others. */
export type Node =
  | string
  | Buffer
  | { readonly link: string }
  | { readonly hard: string }
  | {
      readonly content?: string | Buffer;
      readonly mode?: number;
      readonly mtime?: number;
      readonly uid?: number;
      readonly gid?: number;
    };

/** Makes a tree in a new directory, or adds to one; in the order that is given, what holds a path before it. */
export function makeTree(nodes: Readonly<Record<string, Node>>, root = join(temporaryFolder(), 'repository')): string {
  mkdirSync(root, { recursive: true });
  for (const [path, node] of Object.entries(nodes)) {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (typeof node === 'string' || Buffer.isBuffer(node)) writeFileSync(at, node);
    else if ('link' in node) symlinkSync(node.link, at);
    else if ('hard' in node) linkSync(join(root, node.hard), at);
    else {
      if (node.content === undefined) mkdirSync(at, { recursive: true });
      else writeFileSync(at, node.content);
      if (node.uid !== undefined) chownSync(at, node.uid, node.gid ?? node.uid);
      if (node.mode !== undefined) chmodSync(at, node.mode);
      if (node.mtime !== undefined) utimesSync(at, node.mtime, node.mtime);
    }
  }
  return root;
}

/**
 * A line for everything in a tree: name (as hex, so that any bytes compare), type and mode, owner, times in units of 2^-22
 * seconds (what a restore can set), size, SHA-256, link target, and with whom it shares its inode.
 */
export function describeTree(root: string): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const visit = (path: Buffer, shown: string) => {
    const stat = lstatSync(path, { bigint: true });
    const meta = `${shown} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${timeUnits(stat.mtimeNs)}`;
    if (stat.isSymbolicLink()) lines.push(`${meta} -> ${readlinkSync(path, { encoding: 'buffer' }).toString('hex')}`);
    else if (stat.isFile()) {
      const first = stat.nlink > 1n ? inodes.get(stat.ino) : undefined;
      inodes.set(stat.ino, shown);
      const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
      lines.push(`${meta} ${stat.size} ${sha256} ${first === undefined ? '' : `= ${first}`}`);
    } else {
      lines.push(meta);
      if (!stat.isDirectory()) return;
      const names = readdirSync(path, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
      for (const name of names)
        visit(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('hex')}`);
    }
  };
  visit(Buffer.from(root), '.');
  return lines;
}

/** A double holds the seconds of our days and 22 bits more. */
function timeUnits(ns: bigint): string {
  const second = 1_000_000_000n;
  return String((ns / second) * 2n ** 22n + BigInt(Math.round((Number(ns % second) * 2 ** 22) / 1e9)));
}

/** The lines of a tree without those of some paths and of what is under them. */
export function without(lines: readonly string[], ...paths: readonly string[]): string[] {
  const shown = paths.map(
    (path) =>
      `./${path
        .split('/')
        .map((name) => Buffer.from(name).toString('hex'))
        .join('/')}`,
  );
  return lines.filter((line) => !shown.some((path) => line.startsWith(`${path} `) || line.startsWith(`${path}/`)));
}

/** Path and content of every file, for where metadata cannot be the same. */
export function contentsOf(root: string, under = ''): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(join(root, under), { withFileTypes: true })) {
    const path = join(under, entry.name);
    if (entry.isDirectory()) Object.assign(files, contentsOf(root, path));
    else if (entry.isFile()) files[path] = readFileSync(join(root, path), 'latin1');
  }
  return files;
}

export function assertSameTree(actual: string, expected: string, message?: string): void {
  assert.deepEqual(describeTree(actual), describeTree(expected), message);
}

/** The same numbers from the same seed, in [0, 1): mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Does not compress; the same bytes from the same seed. */
export function noise(bytes: number, seed = 1): Buffer {
  const key = createHash('sha256').update(`seed ${seed}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}
