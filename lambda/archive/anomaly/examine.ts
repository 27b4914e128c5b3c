import { ArchiveDamagedError } from '../errors';
import { comparedEntries, comparedLines, type StoredPoint } from '../diff/compared-entries';
import type { Differences } from '../export/differing-lines';
import type { Parent } from '../export/parent';
import { MANIFEST_PREFIX, type ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { listManifests, readHeader } from '../points';
import { judge, needsHistory, type PointChanges } from './judge';
import { type KnownChanges, measureChanges } from './measure';
import { suspicionOf } from './trust';

export interface Examined {
  readonly changes?: PointChanges;
  readonly suspicious?: readonly string[];
}

/** What is usual is what these many points before show. */
const HISTORY = 10;

/**
 * Compares a point that is about to be with the newest that is not suspicious: so that the export after a suspicious one, in
 * which little changes, is no good one. Only the pages are read that one of them does not have, and only lines that differ are
 * parsed.
 *
 * @param header of the point to be, whose pages and packs are there
 */
export async function examineChanges(store: ObjectStore, parent: Parent, header: ManifestHeader): Promise<Examined> {
  const baseline = (await goodParent(store, parent)) ?? (await baselineBefore(store, parent));
  return examine(store, baseline, {
    differing: comparedEntries(store, baseline.point, { manifestKey: keyToBe(store), header }),
    noisy: undefined,
  });
}

/**
 * As {@link examineChanges}, where it is known what differs from the parent: before there is a header.
 *
 * @param packs that the lines name
 * @returns undefined where the parent is not the one to compare with, or something is damaged or not there yet: what this says then
 *   must not stand for what {@link examineChanges} would
 */
export async function examineDifferences(
  store: ObjectStore,
  parent: Parent,
  packs: ManifestHeader['packs'],
  { before, after, noisy }: Differences,
): Promise<Examined | undefined> {
  const baseline = await goodParent(store, parent);
  if (!baseline) return undefined;
  const examined = await examine(store, baseline, {
    differing: comparedLines(
      { ...baseline.point, lines: before },
      { manifestKey: keyToBe(store), header: { packs }, lines: after },
    ),
    noisy,
  });
  return examined.changes && examined;
}

const keyToBe = ({ prefix }: ObjectStore) => `${prefix}${MANIFEST_PREFIX}of the export under way`;

/** What is compared with, and why that is suspicious already. */
interface Baseline {
  readonly point: StoredPoint;
  readonly reasons: readonly string[];
}

async function examine(
  store: ObjectStore,
  { point, reasons: known }: Baseline,
  since: KnownChanges,
): Promise<Examined> {
  try {
    const changes = await measureChanges(store, point, since);
    const history = needsHistory(changes) ? await historyOf(store) : [];
    const reasons = [...known, ...judge(changes, history)];
    return { changes, ...(reasons.length > 0 ? { suspicious: reasons } : {}) };
  } catch (error) {
    // A point before that is damaged must not keep this one from being; the damage is found and told by the export itself.
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return {};
  }
}

const pointOf = ({ prefix }: ObjectStore, { name, header }: Parent): StoredPoint => ({
  manifestKey: `${prefix}${MANIFEST_PREFIX}${name}`,
  header,
});

/** The parent, when it is not suspicious. */
async function goodParent(store: ObjectStore, parent: Parent): Promise<Baseline | undefined> {
  const point = pointOf(store, parent);
  const suspicion = await suspicionOf(store, point.manifestKey, point.header);
  return suspicion === undefined ? { point, reasons: [] } : undefined;
}

/** What a parent that is suspicious was compared with. */
async function baselineBefore(store: ObjectStore, parent: Parent): Promise<Baseline> {
  const { name, header } = parent;
  const since = header.changes && (await findByStart(store, header.changes.since));
  if (since !== undefined) {
    try {
      return { point: { manifestKey: since, header: await readHeader(store, since) }, reasons: [] };
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
    }
  }
  const reason = `the point before, ${name}, is suspicious, and no good one is left to compare with`;
  return { point: pointOf(store, parent), reasons: [reason] };
}

/** By when it began: a prune may have written it anew, under another SHA-256. */
async function findByStart(store: ObjectStore, name: string): Promise<string | undefined> {
  const start = name.slice(0, name.indexOf('-') + 1);
  for await (const { key } of store.list(MANIFEST_PREFIX + start)) return store.prefix + key;
  return undefined;
}

/** Of the newest points that are not suspicious. */
async function historyOf(store: ObjectStore): Promise<PointChanges[]> {
  const keys = (await listManifests(store)).slice(-HISTORY);
  const headers = await Promise.all(
    keys.map((key) =>
      readHeader(store, key).catch((error: unknown) => {
        if (error instanceof ArchiveDamagedError) return undefined;
        throw error;
      }),
    ),
  );
  return headers.flatMap((header) => (header?.changes && !header.suspicious ? [header.changes] : []));
}
