import type { PlanTerm } from './plan-document';

/**
 * Durations that the worst case needs and AWS does not publish. A drill reports what they really were; put that in here.
 */
export interface PlanAssumptions {
  /** A backup job of AWS Backup, from its start to a completed recovery point. Default: 3600. */
  readonly backupJobSeconds: number;
  /** A copy job of AWS Backup to another Region, from its start to its end. Default: 3600. */
  readonly copyJobSeconds: number;
  /** One artifact export, from its start to its manifest. Default: 900, after which Lambda ends the function. */
  readonly exportSeconds: number;
}

export const DEFAULT_ASSUMPTIONS: PlanAssumptions = {
  // IS databases are gigabytes, not terabytes; snapshots after the first are incremental. An hour has room to spare.
  backupJobSeconds: 3600,
  copyJobSeconds: 3600,
  // FACTS: Lambda, 900 s. An export that runs longer has failed, so no usable one took longer.
  exportSeconds: 900,
};

const DEFAULT_SOURCES: Record<keyof PlanAssumptions, string> = {
  backupJobSeconds: 'default: AWS publishes no duration, drills measure it',
  copyJobSeconds: 'default: AWS publishes no duration, drills measure it',
  exportSeconds: 'AWS limit: Lambda ends a function after 900 s',
};

/** A term out of an assumption, which says whether it is the user's number or the default. */
export function assumedTerm(name: string, key: keyof PlanAssumptions, assumptions: PlanAssumptions): PlanTerm {
  const seconds = assumptions[key];
  return { name, seconds, source: seconds === DEFAULT_ASSUMPTIONS[key] ? DEFAULT_SOURCES[key] : `input: ${key}` };
}

/** Sum of the terms: the worst case. */
export const sumSeconds = (terms: readonly PlanTerm[]) => terms.reduce((sum, term) => sum + term.seconds, 0);
