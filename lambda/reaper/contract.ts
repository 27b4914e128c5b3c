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
 * Of each drill that it removed something of it sends one message. It fails, after it tried everything and told what it removed, where something could
 * not be removed or told.
 *
 * Environment: `SITE` (`dr-site` or `in-region`), `BUCKET` (where drills of the site leave their reports), `RESTORE_FUNCTION`, `ADOPT_FUNCTION` (names),
 * `RESTORE_ROLE_ARN`, `DB_SUBNET_GROUP`, `TOPIC_ARN`, `TIMEOUT_SECONDS` (of one drill) and, where the site boots copies of Identity Server, `BOOT_CLUSTER`.
 */
export interface ReapResult {
  /** What this run removed, or told to delete itself, in words with names. */
  readonly removed: readonly string[];
  /** What it did not remove, and why: it is still being made, or deleted, something has to go first, or no drill is known to have made it. */
  readonly waiting: readonly string[];
}
