import type { Durations } from '../../local/local-aws';

/** What the life tests simulate of AWS's own time: enough that jobs are seen under way, and seconds of the functions' waits. */
export const QUICK: Partial<Durations> = {
  backupSeconds: 0.2,
  copySeconds: 0.2,
  restoreSeconds: 0.2,
  replicationSeconds: 0.2,
  durableSecond: 0.05,
};
