/**
 * The reaper: a function at each site that runs on a schedule of its own and removes what drills left that died before their
 * clean-up. Its event is not read.
 *
 * It removes what carries the tag of a drill, and is older than that drill can be alive; nothing else, ever. What
 * AWS Backup made for a drill that died before it could tag it is tagged first: the restore job, started with the site's own
 * role, says that it made it.
 *
 * Sites of one account and Region have drills of different time-outs: an instance or cluster is a site's by its DB subnet group.
 *
 * Environment: `RESTORE_FUNCTION`, `ADOPT_FUNCTION` (names), `RESTORE_ROLE_ARN`, `DB_SUBNET_GROUP`, `TOPIC_ARN`, `TIMEOUT_SECONDS` (of one drill) and, where
 * the site boots copies of Identity Server, `BOOT_CLUSTER`.
 */
export interface ReapResult {
  /** What was removed, or told to delete itself, in words with names. */
  readonly removed: readonly string[];
  /** What cannot be removed yet: it is still being made, or deleted. */
  readonly waiting: readonly string[];
  /** What could not be removed, each with the error: the function fails, once it has told all of this. */
  readonly failed: readonly string[];
}
