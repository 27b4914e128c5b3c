import { ArchiveDamagedError } from '../errors';
import { comparedLines } from '../diff/compared-entries';
import type { Differences } from '../export/differing-lines';
import type { Parent } from '../export/parent';
import { MANIFEST_PREFIX, type ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { listManifests, readHeader } from '../points';
import { judge, needsHistory, type PointChanges } from './judge';
import { measureChanges } from './measure';
import { suspicionOf } from './trust';

export interface Examined {
  readonly changes?: PointChanges;
  readonly suspicious?: readonly string[];
}

/** What is usual is what these many points before show. */
const HISTORY = 10;

/**
 * Compares a point that is about to be with the newest that is not suspicious: so that the export after a suspicious one, in
 * which little changes, is no good one.
 *
 * @param header of the point to be, whose pages and packs are there
 * @param differences between it and the parent, where they are known
 */
export async function examineChanges(
  store: ObjectStore,
  parent: Parent,
  header: ManifestHeader,
  differences?: Differences,
): Promise<Examined> {
  const after = { manifestKey: `${store.prefix}${MANIFEST_PREFIX}of the export under way`, header };
  const baseline = await baselineOf(store, parent);
  try {
    const { point } = baseline;
    const known =
      differences && point.header === parent.header
        ? {
            differing: comparedLines({ ...point, lines: differences.before }, { ...after, lines: differences.after }),
            noisy: differences.noisy,
          }
        : undefined;
    const changes = await measureChanges(store, point, after, known);
    const history = needsHistory(changes) ? await historyOf(store) : [];
    const reasons = [...baseline.reasons, ...judge(changes, history)];
    return { changes, ...(reasons.length > 0 ? { suspicious: reasons } : {}) };
  } catch (error) {
    // A point before that is damaged must not keep this one from being; the damage is found and told by the export itself.
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return {};
  }
}

async function baselineOf(store: ObjectStore, { name, header }: Parent) {
  const manifestKey = `${store.prefix}${MANIFEST_PREFIX}${name}`;
  const isSuspicious = (await suspicionOf(store, manifestKey, header)) !== undefined;
  if (!isSuspicious) return { point: { manifestKey, header }, reasons: [] };
  const since = header.changes && (await findByStart(store, header.changes.since));
  if (since !== undefined) {
    try {
      return { point: { manifestKey: since, header: await readHeader(store, since) }, reasons: [] };
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
    }
  }
  const reason = `the point before, ${name}, is suspicious, and no good one is left to compare with`;
  return { point: { manifestKey, header }, reasons: [reason] };
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
