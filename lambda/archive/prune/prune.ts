import { ArchiveError, ObjectLockedError } from '../errors';
import { type ManifestHeader, PACK_PREFIX, type PackReference, PAGE_PREFIX } from '../manifest';
import type { ObjectStore } from '../object-store';
import { listPoints } from '../points';
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

const DEFAULT_GRACE_MS = 7 * 24 * 3600 * 1000;
const MAX_CLOCK_DIFFERENCE_MS = 3600 * 1000;
const DAY_MS = 24 * 3600 * 1000;

/**
 * Removes the points that a policy does not keep, and what no point needs any more: first points, then, after a time of
 * grace, packs and pages, so that exports may run meanwhile.
 *
 * @throws ArchiveError when the policy keeps nothing, or a clock is wrong; nothing was changed then
 */
export async function prune(options: PruneOptions): Promise<PruneOutcome> {
  const { store, policy, dryRun = false, graceMs = DEFAULT_GRACE_MS, now = () => new Date() } = options;
  if (!Object.values(policy).some((count) => count > 0)) {
    throw new ArchiveError('`policy` must keep something, got nothing: say how many of which points are to stay');
  }
  const time = await store.time();
  checkClock(now(), time, 'this machine');
  const points = await listPoints(store);
  const damaged = points.filter(({ header }) => !header);
  if (damaged.length > 0) {
    const keys = damaged.map(({ manifestKey }) => manifestKey).join(', ');
    throw new ArchiveError(`what the manifest of a damaged point needs is not known: delete or mend ${keys} first`);
  }
  const known = points as readonly (KeptPoint & { readonly complete: boolean })[];
  for (const { header } of known) checkNotAhead(header, time);
  const startedAt = new Map(known.map(({ manifestKey, header }) => [manifestKey, header.startedAt]));
  const decisions = decide(
    known.map(({ manifestKey, header, complete }) => ({
      manifestKey,
      startedAt: new Date(header.startedAt),
      complete,
    })),
    policy,
  ).map((decision) => ({ ...decision, startedAt: startedAt.get(decision.manifestKey)! }));

  const run = new Prune(store, dryRun, time, graceMs, options);
  return run.run(known, decisions, options.rewrite ?? true);
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

class Prune {
  #deletedObjects = 0;
  #deletedBytes = 0;
  #rewrittenPacks = 0;
  #extendedLocks = 0;
  readonly #locked: string[] = [];

  constructor(
    private readonly store: ObjectStore,
    private readonly dryRun: boolean,
    private readonly time: Date,
    private readonly graceMs: number,
    private readonly options: PruneOptions,
  ) {}

  async run(
    points: readonly (KeptPoint & { readonly complete: boolean })[],
    decisions: PruneOutcome['decisions'],
    rewrite: boolean,
  ): Promise<PruneOutcome> {
    // What is named now, also by points that go: nobody can have relied on it as left over.
    const namedBefore = objectsOf(points.map(({ header }) => header));
    const goes = new Set(decisions.filter(({ reasons }) => reasons.length === 0).map(({ manifestKey }) => manifestKey));
    let kept: KeptPoint[] = [];
    for (const point of points) {
      if (!goes.has(point.manifestKey)) kept.push(point);
      else if (!(await this.#deleteManifest(point.manifestKey))) {
        this.#locked.push(point.manifestKey);
        kept.push(point);
      }
    }
    if (rewrite) kept = await this.#rewrite(points.filter((point) => kept.includes(point)));
    await this.#extendLocks(kept);
    const waiting = await this.#deleteObjects(namedBefore, objectsOf(kept.map(({ header }) => header)));
    return {
      decisions,
      locked: this.#locked,
      deletedObjects: this.#deletedObjects,
      deletedBytes: this.#deletedBytes,
      ...waiting,
      rewrittenPacks: this.#rewrittenPacks,
      extendedLocks: this.#extendedLocks,
    };
  }

  async #deleteManifest(manifestKey: string): Promise<boolean> {
    const key = manifestKey.slice(this.store.prefix.length);
    const head = await this.store.head(key);
    if (head?.lockedUntil && head.lockedUntil > this.time) return false;
    return this.#delete(key, head?.bytes ?? 0);
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
  async #rewrite(kept: readonly (KeptPoint & { readonly complete: boolean })[]): Promise<KeptPoint[]> {
    const { store } = this;
    const complete = kept.filter((point) => point.complete);
    // A manifest that cannot be deleted would go on naming the packs: writing others would only cost.
    for (const { manifestKey } of complete) {
      const head = await store.head(manifestKey.slice(store.prefix.length));
      if (head?.lockedUntil && head.lockedUntil > this.time) return [...kept];
    }
    const packs = new Map<string, PackReference>();
    for (const { header } of complete) for (const pack of header.packs) packs.set(pack.key, pack);
    const empty = halfEmptyPacks(packs.values(), await liveBytes(store, complete));
    this.#rewrittenPacks = empty.size;
    if (empty.size === 0 || this.dryRun) return [...kept];
    const rewritten = await rewritePoints(store, complete, empty);
    for (const { before } of rewritten) await this.#deleteManifest(before);
    const replaced = new Map(rewritten.map(({ before, after }) => [before, after]));
    return kept.map((point) => replaced.get(point.manifestKey) ?? point);
  }

  /** What a point needs stays as long as one that was written today: otherwise its lock would end before that of the point. */
  async #extendLocks(kept: readonly KeptPoint[]): Promise<void> {
    const { store } = this;
    const retention = await store.defaultRetention();
    if (!retention) return;
    const until = new Date(this.time.getTime() + retention.days * DAY_MS);
    for (const key of objectsOf(kept.map(({ header }) => header))) {
      const head = await store.head(key);
      // A day's difference is not worth a request for each object at each prune.
      if (!head || (head.lockedUntil && until.getTime() - head.lockedUntil.getTime() < DAY_MS)) continue;
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
    for (const prefix of [PACK_PREFIX, PAGE_PREFIX]) {
      for await (const { key, bytes, modified } of store.list(prefix)) {
        if (named.has(key)) continue;
        // What a point has named until now is left over only from now on.
        const since = namedBefore.has(key) ? time.getTime() : (before.get(key) ?? time.getTime());
        const age = time.getTime() - Math.max(since, modified.getTime());
        if (age >= graceMs) due.push({ key, bytes });
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
      const young = head && time.getTime() - head.modified.getTime() < graceMs;
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

  async #namedByNewPoints(needed: boolean): Promise<ReadonlySet<string>> {
    if (!needed || this.dryRun) return new Set();
    const points = await listPoints(this.store);
    return objectsOf(points.flatMap(({ header }) => header ?? []));
  }
}
