/** Whether what changed between two points is suspicious: a pure decision, with the reasons; docs/operations.md says why so. */

/** What differs from an earlier point. In the manifest. */
export interface PointChanges {
  /** Name of the manifest that was compared with: the newest that is not suspicious. */
  readonly since: string;
  /** Files that it has. */
  readonly files: number;
  /** Files since then. */
  readonly added: number;
  /** Of another content. */
  readonly changed: number;
  readonly removed: number;
  /** Of the changed files: how many were looked at, and how many of those turned to noise. */
  readonly looked: number;
  readonly noise: number;
}

export const LIMITS = {
  /** Fewer files than this are no matter: somebody works on them. */
  leastFiles: 20,
  /** With fewer points before it, nobody knows what is usual. */
  leastHistory: 5,
  /** Share of the files; then more is suspicious. */
  changedAtFirst: 0.5,
  removedAtFirst: 0.5,
  /** The same where it is known what is usual; it is never less, and so many times the largest of the points before. */
  changed: 0.4,
  removed: 0.2,
  timesUsual: 4,
  /** Files that turned to noise, and the share of those that were looked at. */
  noiseFiles: 3,
  noise: 0.1,
} as const;

/** Whether it depends on the points before what {@link judge} says: not where little changed. */
export const needsHistory = ({ changed, removed }: PointChanges): boolean =>
  Math.max(changed, removed) >= LIMITS.leastFiles;

/**
 * @param history of the points before that are not suspicious
 * @returns a sentence for each reason; empty: nothing is suspicious
 */
export function judge(changes: PointChanges, history: readonly PointChanges[]): string[] {
  const isKnown = history.length >= LIMITS.leastHistory;
  const reasons: string[] = [];
  for (const [kind, what] of [
    ['changed', 'are of another content'],
    ['removed', 'are gone'],
  ] as const) {
    const usual = Math.max(0, ...history.map((each) => shareOf(each, kind)));
    const limit = isKnown ? Math.max(LIMITS[kind], LIMITS.timesUsual * usual) : LIMITS[`${kind}AtFirst`];
    const share = shareOf(changes, kind);
    if (changes[kind] < LIMITS.leastFiles || share <= limit) continue;
    const before = isKnown ? `; at most ${percent(usual)} in the ${history.length} exports before` : '';
    reasons.push(`${changes[kind]} of ${changes.files} files ${what} (${percent(share)}${before})`);
  }
  const { looked, noise } = changes;
  if (noise >= LIMITS.noiseFiles && noise >= looked * LIMITS.noise) {
    reasons.push(`${noise} of ${looked} changed files that were looked at turned to noise, as if they were encrypted`);
  }
  return reasons;
}

const shareOf = ({ files, ...counts }: PointChanges, kind: 'changed' | 'removed') =>
  files === 0 ? 0 : counts[kind] / files;

const percent = (share: number) => `${Math.round(share * 100)} %`;
