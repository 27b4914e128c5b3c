import type { Authenticator } from '../authenticity';
import { ArchiveDamagedError, ArchiveError, ObjectLockedError } from '../errors';
import { type ManifestHeader, PACK_PREFIX, type PackReference, PAGE_PREFIX } from '../manifest';
import { TURN_PREFIX } from '../export/saved-state';
import type { ObjectStore } from '../object-store';
import { listPoints, type Point } from '../points';
import { verifyArchive } from '../verify/verify-archive';
import { readDoomed, writeDoomed } from './doomed';
import { decide, type Decision, type RetentionPolicy } from './policy';
import { rewritePoints } from './rewrite';
import { halfEmptyPacks, type KeptPoint, liveBytes, objectsOf } from './usage';

export interface PruneOptions {
  readonly store: ObjectStore;
  readonly policy: RetentionPolicy;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
  /**
   * How long an object that no point names stays, in milliseconds: at least twice as long as an export can take. Default:
   * 7 days. With 0 it goes at once, which is safe only while nothing is exported.
   */
  readonly graceMs?: number;
  /** Write packs anew that are more than half empty. Default: true. */
  readonly rewrite?: boolean;
  /**
   * Read all data first, as a verification does: a point that names something damaged counts for nothing, and is not removed. So
   * the newest points that stay are ones that restore. Default: those count whose objects are all there.
   */
  readonly readData?: boolean;
  /** What is not authentic by it counts as not complete; points that are signed are signed anew where they are written anew. */
  readonly authenticator?: Authenticator | undefined;
  /** Default: the clock of this machine; compared with that of the store. */
  readonly now?: () => Date;
  readonly onProgress?: (progress: PruneProgress) => void;
}

export interface PruneProgress {
  readonly deleted: number;
  readonly toDelete: number;
}

export interface PruneOutcome {
  /** For each point whether it stays and why, newest first. */
  readonly decisions: readonly (Decision & { readonly startedAt: string })[];
  /** Points that were to go and cannot yet: object lock. */
  readonly locked: readonly string[];
  /** Objects that are damaged, so that not all that could go has gone: see {@link DamagedObject}. */
  readonly damaged: readonly DamagedObject[];
  readonly deletedObjects: number;
  readonly deletedBytes: number;
  /** Objects that no point names, and that a later prune will delete. */
  readonly waitingObjects: number;
  readonly waitingBytes: number;
  /** Packs that were more than half empty. */
  readonly rewrittenPacks: number;
  /** Objects in use whose lock was made longer. */
  readonly extendedLocks: number;
}

/** What a damaged manifest needs is not known, so that no pack and no page is deleted; what others hold is not written anew. */
export interface DamagedObject {
  /** Key in the bucket. */
  readonly key: string;
  readonly problem: string;
}

const DEFAULT_GRACE_MS = 7 * 24 * 3600 * 1000;
const MAX_CLOCK_DIFFERENCE_MS = 3600 * 1000;
const DAY_MS = 24 * 3600 * 1000;
const LOCK_SLACK = 0.1;

/**
 * Removes the points that a policy does not keep, and what no point needs any more: first points, then, after a time of
 * grace, packs and pages, so that exports may run meanwhile.
 *
 * What is damaged keeps what it may need, is named in the outcome, and is in nobody else's way.
 *
 * @throws ArchiveError when the policy keeps nothing, a clock is wrong, or points are signed and nothing could sign them anew;
 *   nothing was changed then
 */
export async function prune(options: PruneOptions): Promise<PruneOutcome> {
  const {
    store,
    policy,
    authenticator,
    rewrite = true,
    dryRun = false,
    graceMs = DEFAULT_GRACE_MS,
    now = () => new Date(),
  } = options;
  if (!Object.values(policy).some((count) => count > 0)) {
    throw new ArchiveError('`policy` must keep something, got nothing: say how many of which points are to stay');
  }
  const time = await store.time();
  checkClock(now(), time, 'this machine');
  const points = await listPoints(store, authenticator);
  if (rewrite) checkCanSign(points);
  const known = points.filter((point): point is KnownPoint => point.header !== undefined);
  const damaged = points
    .filter(({ header }) => !header)
    .map(({ manifestKey, problems }) => ({ key: manifestKey, problem: problems.join('; ') }));
  for (const { header } of known) checkNotAhead(header, time);
  const found = options.readData ? (await verifyArchive({ store, readData: true })).findings : [];
  const unsound = new Set(found.map(({ key }) => key.slice(store.prefix.length)));
  const isSound = ({ manifestKey, header }: KnownPoint) =>
    ![manifestKey.slice(store.prefix.length), ...objectsOf([header])].some((key) => unsound.has(key));
  const startedAt = new Map(known.map(({ manifestKey, header }) => [manifestKey, header.startedAt]));
  const decisions = decide(
    known.map((point) => ({
      manifestKey: point.manifestKey,
      startedAt: new Date(point.header.startedAt),
      complete: point.complete && isSound(point),
      suspicious: point.suspicion !== undefined,
    })),
    policy,
  ).map((decision) => ({ ...decision, startedAt: startedAt.get(decision.manifestKey)! }));

  const run = new Prune(store, dryRun, time, graceMs, damaged, options);
  const outcome = await run.run(known, decisions, rewrite);
  const named = new Map([...found, ...outcome.damaged].map(({ key, problem }) => [key, { key, problem }]));
  return { ...outcome, damaged: Array.from(named.values()) };
}

/** Wrong clocks have made tools delete everything: what is a day old must be known for sure. */
function checkClock(clock: Date, time: Date, whose: string): void {
  if (Math.abs(clock.getTime() - time.getTime()) <= MAX_CLOCK_DIFFERENCE_MS) return;
  throw new ArchiveError(
    `the clock of ${whose} says ${clock.toISOString()}, that of the store ${time.toISOString()}: set it right first`,
  );
}

function checkNotAhead({ startedAt }: ManifestHeader, time: Date): void {
  if (Date.parse(startedAt) - time.getTime() <= MAX_CLOCK_DIFFERENCE_MS) return;
  throw new ArchiveError(
    `a point says that it began at ${startedAt}, but it is ${time.toISOString()}: the clock of the machine that exported it was wrong; delete that point first`,
  );
}

/** Packs that are written anew make new manifests. */
function checkCanSign(points: readonly Point[]): void {
  const signed = points.find(({ signature }) => signature === 'not checked');
  if (!signed) return;
  throw new ArchiveError(
    `the points are signed (${signed.manifestKey} is), and prune could write some anew without a signature: give the key, or leave packs as they are`,
  );
}

type KnownPoint = Point & KeptPoint;

class Prune {
  #deletedObjects = 0;
  #deletedBytes = 0;
  #rewrittenPacks = 0;
  #extendedLocks = 0;
  readonly #locked: string[] = [];
  readonly #damaged: DamagedObject[];

  constructor(
    private readonly store: ObjectStore,
    private readonly dryRun: boolean,
    private readonly time: Date,
    private readonly graceMs: number,
    private readonly damagedManifests: readonly DamagedObject[],
    private readonly options: PruneOptions,
  ) {
    this.#damaged = [...damagedManifests];
  }

  async run(
    points: readonly KnownPoint[],
    decisions: PruneOutcome['decisions'],
    rewrite: boolean,
  ): Promise<PruneOutcome> {
    // What is named now, also by points that go: nobody can have relied on it as left over.
    const namedBefore = objectsOf(points.map(({ header }) => header));
    const unwanted = new Set(
      decisions.filter(({ reasons }) => reasons.length === 0).map(({ manifestKey }) => manifestKey),
    );
    let kept: KeptPoint[] = [];
    const going: KeptPoint[] = [];
    for (const point of points) {
      const isUnwanted = unwanted.has(point.manifestKey);
      if (isUnwanted && !(await this.#isLocked(point.manifestKey))) going.push(point);
      else {
        if (isUnwanted) this.#locked.push(point.manifestKey);
        kept.push(point);
      }
    }
    // First of all: whatever fails later, what is in use stays locked.
    await this.#extendLocks(kept);
    for (const point of going) {
      if (await this.#deleteManifest(point.manifestKey)) continue;
      this.#locked.push(point.manifestKey);
      kept.push(point);
    }
    if (rewrite) kept = await this.#rewrite(points.filter((point) => kept.includes(point)));
    const waiting = await this.#deleteObjects(namedBefore, objectsOf(kept.map(({ header }) => header)));
    return {
      decisions,
      locked: this.#locked,
      damaged: this.#damaged,
      deletedObjects: this.#deletedObjects,
      deletedBytes: this.#deletedBytes,
      ...waiting,
      rewrittenPacks: this.#rewrittenPacks,
      extendedLocks: this.#extendedLocks,
    };
  }

  async #isLocked(manifestKey: string): Promise<boolean> {
    const head = await this.store.head(manifestKey.slice(this.store.prefix.length));
    return head?.lockedUntil !== undefined && head.lockedUntil > this.time;
  }

  async #deleteManifest(manifestKey: string): Promise<boolean> {
    const key = manifestKey.slice(this.store.prefix.length);
    return this.#delete(key, (await this.store.head(key))?.bytes ?? 0);
  }

  /** @returns false when it may not be deleted yet */
  async #delete(key: string, bytes: number): Promise<boolean> {
    if (!this.dryRun) {
      try {
        await this.store.delete(key);
      } catch (error) {
        if (!(error instanceof ObjectLockedError)) throw error;
        return false;
      }
    }
    this.#deletedObjects += 1;
    this.#deletedBytes += bytes;
    return true;
  }

  /** @returns the points that are there then */
  async #rewrite(kept: readonly KnownPoint[]): Promise<KeptPoint[]> {
    const complete = kept.filter((point) => point.complete);
    // A manifest that cannot be deleted would go on naming the packs: writing others would only cost.
    for (const { manifestKey } of complete) if (await this.#isLocked(manifestKey)) return [...kept];
    try {
      return await this.#rewriteComplete(kept, complete);
    } catch (error) {
      // Where it is not known what is needed, all stays as it is.
      if (!(error instanceof ArchiveDamagedError)) throw error;
      this.#damaged.push({ key: error.key, problem: error.problem });
      this.#rewrittenPacks = 0;
      return [...kept];
    }
  }

  async #rewriteComplete(kept: readonly KnownPoint[], complete: readonly KnownPoint[]): Promise<KeptPoint[]> {
    const { store } = this;
    const packs = new Map<string, PackReference>();
    for (const { header } of complete) for (const pack of header.packs) packs.set(pack.key, pack);
    const empty = halfEmptyPacks(packs.values(), await liveBytes(store, complete));
    this.#rewrittenPacks = empty.size;
    if (empty.size === 0 || this.dryRun) return [...kept];
    const rewritten = await rewritePoints(store, complete, empty, this.options.authenticator);
    for (const { before } of rewritten) await this.#deleteManifest(before);
    const replaced = new Map(rewritten.map(({ before, after }) => [before, after]));
    return kept.map((point) => replaced.get(point.manifestKey) ?? point);
  }

  /**
   * What a point needs stays as long as one that was written today: otherwise its lock would end before that of the point.
   * Nobody else makes locks longer: an exporter that could, could also lock for ever whatever it wants.
   */
  async #extendLocks(kept: readonly KeptPoint[]): Promise<void> {
    const { store } = this;
    const retention = await store.defaultRetention();
    if (!retention) return;
    const until = new Date(this.time.getTime() + retention.days * DAY_MS);
    // A small difference is not worth a request for each object at each prune.
    const slack = Math.min(DAY_MS, retention.days * DAY_MS * LOCK_SLACK);
    for (const key of objectsOf(kept.map(({ header }) => header))) {
      const head = await store.head(key);
      if (!head || (head.lockedUntil && until.getTime() - head.lockedUntil.getTime() < slack)) continue;
      if (!this.dryRun) await store.extendLock(key, until);
      this.#extendedLocks += 1;
    }
  }

  async #deleteObjects(namedBefore: ReadonlySet<string>, named: ReadonlySet<string>) {
    const { store, time, graceMs } = this;
    const { doomed: before, keys } = await readDoomed(store);
    const doomed = new Map<string, number>();
    const due: { readonly key: string; readonly bytes: number }[] = [];
    let waitingBytes = 0;
    for (const prefix of [PACK_PREFIX, PAGE_PREFIX, TURN_PREFIX]) {
      for await (const { key, bytes, modified } of store.list(prefix)) {
        if (named.has(key)) continue;
        // What a point has named until now is left over only from now on.
        const since = namedBefore.has(key) ? time.getTime() : (before.get(key) ?? time.getTime());
        if (this.#age(Math.max(since, modified.getTime())) >= graceMs && this.damagedManifests.length === 0)
          due.push({ key, bytes });
        else {
          doomed.set(key, since);
          waitingBytes += bytes;
        }
      }
    }
    // A point that was made while this ran may name what is due.
    const late = await this.#namedByNewPoints(due.length > 0);
    const deletable = due.filter(({ key }) => !late.has(key));
    for (const [index, { key, bytes }] of deletable.entries()) {
      const head = await store.head(key);
      const young = head && this.#age(head.modified.getTime()) < graceMs;
      const locked = head?.lockedUntil && head.lockedUntil > time;
      if (!head) continue;
      if (young || locked || !(await this.#delete(key, bytes))) {
        doomed.set(key, before.get(key) ?? time.getTime());
        waitingBytes += bytes;
      }
      this.options.onProgress?.({ deleted: index + 1, toDelete: deletable.length });
    }
    if (!this.dryRun && (doomed.size > 0 || keys.length > 0)) await writeDoomed(store, doomed, time, keys);
    return { waitingObjects: doomed.size, waitingBytes };
  }

  /** S3's clock is told in whole seconds: what was written in this one may seem to come after it. */
  #age(since: number): number {
    return Math.max(0, this.time.getTime() - since);
  }

  async #namedByNewPoints(needed: boolean): Promise<ReadonlySet<string>> {
    if (!needed || this.dryRun) return new Set();
    const points = await listPoints(this.store);
    return objectsOf(points.flatMap(({ header }) => header ?? []));
  }
}
