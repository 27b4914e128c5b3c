import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { displayPath } from './byte-path';
import { ArchiveDamagedError } from './errors';
import { groupBy } from './group-by';
import type { FileEntry, Manifest } from './manifest';
import type { ObjectStore } from './object-store';
import { listPoints, readManifest, type Point } from './points';
import { cut, decode, drain, frameId, readFile } from './read-content';

export interface VerifyOptions {
  readonly store: ObjectStore;
  /** Read every pack and compare every file's SHA-256. Default: only that the packs are there with their sizes. */
  readonly readData?: boolean;
  readonly onProgress?: (progress: { readonly packsDone: number; readonly packsTotal: number }) => void;
}

export interface VerifyOutcome {
  readonly points: readonly Point[];
  readonly packs: number;
  /** Files whose content was compared; 0 without `readData`. */
  readonly filesRead: number;
  /** Empty when nothing is wrong. */
  readonly findings: readonly Finding[];
}

export interface Finding {
  /** Key in the bucket. */
  readonly key: string;
  readonly problem: string;
  /** Files that cannot be restored because of it, as far as they are known. */
  readonly paths: readonly string[];
}

const PACKS_IN_FLIGHT = 2;

/** Checks every point of an archive; a finding is an answer, not an error. */
export async function verifyArchive({ store, readData = false, onProgress }: VerifyOptions): Promise<VerifyOutcome> {
  const points = await listPoints(store);
  const findings: Finding[] = points.flatMap(({ manifestKey, problems }) =>
    problems.map((problem) => ({ key: manifestKey, problem, paths: [] })),
  );
  const packs = new Set(points.flatMap(({ header }) => header?.packs.map(({ key }) => key) ?? []));
  if (!readData) return { points, packs: packs.size, filesRead: 0, findings };

  const contents = await collectContents(store, points);
  let packsDone = 0;
  let filesRead = 0;
  await pMap(
    packs,
    async (key) => {
      const found = await verifyPack(store, key, contents.inPack.get(key) ?? []);
      findings.push(...found.findings);
      filesRead += found.filesRead;
      onProgress?.({ packsDone: (packsDone += 1), packsTotal: packs.size });
    },
    { concurrency: PACKS_IN_FLIGHT },
  );
  for (const { manifest, entry } of contents.long) {
    filesRead += 1;
    try {
      await drain(readFile(store, manifest, entry));
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
      findings.push({ key: error.key, problem: error.problem, paths: [displayPath(entry.path)] });
    }
  }
  return { points, packs: packs.size, filesRead, findings: findings.sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

/** Every content once: those in one frame by their pack, longer ones with the manifest to read them by. */
async function collectContents(store: ObjectStore, points: readonly Point[]) {
  const seen = new Set<string>();
  const inPack = new Map<string, FileEntry[]>();
  const long: { readonly manifest: Manifest; readonly entry: FileEntry }[] = [];
  for (const { header, manifestKey } of points) {
    if (!header) continue;
    const manifest = await readManifest(store, manifestKey);
    for (const entry of manifest.entries) {
      if (entry.type !== 'file' || entry.pieces.length === 0) continue;
      // Another manifest may say that this content is somewhere else: that place is to be checked as well.
      const place = entry.pieces.map(
        ({ pack, offset, skip }) => `${manifest.header.packs[pack]!.key}:${offset}:${skip}`,
      );
      const id = `${entry.sha256} ${place.join(' ')}`;
      if (seen.has(id)) continue;
      seen.add(id);
      if (entry.pieces.length > 1) {
        long.push({ manifest, entry });
        continue;
      }
      const { key } = manifest.header.packs[entry.pieces[0]!.pack]!;
      const entries = inPack.get(key) ?? [];
      entries.push(entry);
      inPack.set(key, entries);
    }
  }
  return { inPack, long };
}

async function verifyPack(store: ObjectStore, key: string, entries: readonly FileEntry[]) {
  const name = store.prefix + key;
  const body = await store.get(key);
  // Named by the points that miss it.
  if (!body) return { findings: [], filesRead: 0 };
  const bad = new Map<string, string[]>();
  const note = (problem: string, path: string) => bad.set(problem, [...(bad.get(problem) ?? []), displayPath(path)]);
  for (const [, sharers] of groupBy(entries, ({ pieces }) => frameId(pieces[0]!))) {
    const frame = sharers[0]!.pieces[0]!;
    try {
      const content = await decode(name, frame, body.subarray(frame.offset));
      for (const entry of sharers) {
        const part = cut(name, entry.pieces[0]!, content);
        if (createHash('sha256').update(part).digest('hex') !== entry.sha256) {
          note('a content has another SHA-256 than the manifest says', entry.path);
        }
      }
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
      for (const { path } of sharers) note(error.problem, path);
    }
  }
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (!key.includes(sha256) && bad.size === 0)
    bad.set('the pack was changed: its SHA-256 is another than its name says', []);
  return {
    findings: Array.from(bad, ([problem, paths]): Finding => ({ key: name, problem, paths })),
    filesRead: entries.length,
  };
}
