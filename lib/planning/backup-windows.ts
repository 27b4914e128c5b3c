/** FACTS: AWS Backup takes a start window of at least 60 minutes; a job that could not start in it is EXPIRED. */
export const START_WINDOW_MINUTES = 60;

/**
 * AWS Backup wants the completion window at least 60 minutes longer than the start window; longer only where a job is
 * assumed to take longer. Beyond it the job is aborted, which is a failure that is reported, rather than a late point.
 */
export function completionWindowMinutes(backupJobSeconds: number): number {
  return START_WINDOW_MINUTES + Math.max(60, Math.ceil(backupJobSeconds / 60));
}
