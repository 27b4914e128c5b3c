import { posix } from 'node:path';
import type { Authenticator } from '../../../lambda/archive/authenticity';
import type { ManifestEntry } from '../../../lambda/archive/entry';
import { ArchiveError } from '../../../lambda/archive/errors';
import type { ManifestHeader } from '../../../lambda/archive/manifest';
import type { ObjectStore } from '../../../lambda/archive/object-store';
import { listPoints, type Point, readEntries } from '../../../lambda/archive/points';
import { selectPaths } from '../../../lambda/archive/restore/selection';

export interface PointWith {
  readonly point: Point;
  /** The paths, links in them followed. */
  readonly paths: readonly string[];
  /** Newer ones that are not complete, or suspicious: whether they hold the paths is not known. */
  readonly passedOver: readonly Point[];
}

/**
 * The newest complete point, not suspicious, that holds every one of the paths: what was deleted is in no export since. Links on the way to a
 * path are followed within the volume: WSO2's guide makes `tenants` one.
 *
 * @param at only those that had ended by then
 * @param authenticator what is not authentic by it is not complete
 * @throws ArchiveError when none does, or a link leads out of the volume
 */
export async function choosePointWith(
  store: ObjectStore,
  paths: readonly string[],
  at?: Date,
  authenticator?: Authenticator,
): Promise<PointWith> {
  let looked = 0;
  const passedOver: Point[] = [];
  for (const point of await listPoints(store, authenticator)) {
    const { header, complete, manifestKey, suspicion } = point;
    if (at && header && Date.parse(header.endedAt) > at.getTime()) continue;
    if (!complete || !header || suspicion !== undefined) {
      passedOver.push(
        suspicion === undefined ? point : { ...point, problems: [...point.problems, `suspicious: ${suspicion}`] },
      );
      continue;
    }
    looked += 1;
    const found = await Promise.all(paths.map((path) => find(store, manifestKey, header, path)));
    if (found.every((path) => path !== undefined)) return { point, paths: found, passedOver };
  }
  throw new ArchiveError(
    `none of the ${looked} complete points in ${store.description}${at ? ` that had ended by ${at.toISOString()}` : ''} holds ${paths.join(' and ')}`,
  );
}

/** As many as a kernel follows. */
const MAX_LINKS = 40;

/** Undefined: it is not in the point. */
async function find(
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  asked: string,
): Promise<string | undefined> {
  let path = asked;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const entries = await onTheWay(store, manifestKey, header, path);
    const link = entries.find((entry) => entry.type === 'symlink' && path.startsWith(`${entry.path}/`));
    if (!link) return entries.some((entry) => entry.path === path) ? path : undefined;
    path = follow(path, link.path, (link as { readonly target: string }).target);
  }
  throw new ArchiveError(`${asked} leads through more than ${MAX_LINKS} links`);
}

/** The path itself, and what leads there; in this order of depth. */
async function onTheWay(
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  path: string,
): Promise<ManifestEntry[]> {
  const found: ManifestEntry[] = [];
  for await (const { entries } of readEntries(store, manifestKey, header, selectPaths(header, [path]))) {
    found.push(...entries.filter((entry) => entry.path === path || path.startsWith(`${entry.path}/`)));
  }
  return found;
}

export function follow(path: string, link: string, target: string): string {
  const led = posix.join(posix.dirname(link), target);
  if (target.startsWith('/') || led === '..' || led.startsWith('../')) {
    throw new ArchiveError(
      `${link} is a link to ${target}, which is not on this volume: give the \`--volume\` that holds it, and the path there`,
    );
  }
  return posix.join(led, path.slice(link.length + 1));
}
