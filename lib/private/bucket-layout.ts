import type { Site } from '../planning/plan-document';

/**
 * Keys in the artifact bucket and, since S3 replication keeps keys, in its replica at the DR site. Pure; imported by
 * `lib/` (for the permissions), `lambda/` and `bin/`.
 */

export const PLANS_PREFIX = 'plans/';

/** Where the recovery plan document of a deployment is. */
export const planDocumentKey = (deployment: string) => `${PLANS_PREFIX}${deployment}.json`;

/** Where the runbook of a deployment is, beside its plan. */
export const runbookKey = (deployment: string) => `${PLANS_PREFIX}${deployment}.runbook.md`;

/** What a product version may be, since it is a part of keys: `7.1.0`, `7.1.0-u2`. */
export const PRODUCT_VERSION = /^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/;

/** Prefix of the baselines of all product versions; ends with a slash. */
export const baselinesPrefix = (deployment: string) => `baselines/${deployment}/`;

/** Prefix of the archive with the entire server directory of one product version; ends with a slash. */
export const baselinePrefix = (deployment: string, productVersion: string) =>
  `${baselinesPrefix(deployment)}${productVersion}/`;

/** Why the baseline function made no baseline when it was last called; older than a baseline, it is past. */
export const baselineNoteKey = (deployment: string) => `${baselinesPrefix(deployment)}note.json`;

/** Prefix of the archive (packs and manifests) of one volume; ends with a slash. */
export const archivePrefix = (deployment: string, volume: string) => `archives/${deployment}/${volume}/`;

/**
 * Where the drills of a site are. Those of the primary Region are in the artifact bucket, which is replicated: under a name of
 * their own, so that none of them is taken for a drill of the DR site there.
 */
export const DRILLS_PREFIXES = { 'dr-site': 'drills/', 'in-region': 'in-region-drills/' } as const;

/** Prefix of what the drills of a deployment leave in the bucket of the site; ends with a slash. */
export const drillsPrefix = (deployment: string, site: Site = 'dr-site') => `${DRILLS_PREFIXES[site]}${deployment}/`;

/** Prefix of what one drill leaves in the bucket of the site; ends with a slash. Holds `report.json` and `report.html`. */
export const drillPrefix = (deployment: string, drillId: string, site: Site = 'dr-site') =>
  `${drillsPrefix(deployment, site)}${drillId}/`;

/** Prefix of the row counts that were noted of a deployment; ends with a slash. */
export const countsPrefix = (deployment: string) => `counts/${deployment}/`;

/** Key of the row counts that were noted from this time on; the order of keys is that of time. */
export const countsKey = (deployment: string, time: Date) =>
  `${countsPrefix(deployment)}${time.toISOString().replace(/[-:]/g, '')}.json`;

/**
 * Tag of objects that serve an export while it is under way: the lifecycle of both buckets deletes what carries it, so that no
 * function needs the permission to delete.
 */
export const TRANSIENT_TAG = { key: 'wso2is-recovery:transient', value: 'export' } as const;

/** Tag on everything that a drill makes; its value is the drill's id. Clean-up deletes nothing without it. */
export const DRILL_TAG = 'wso2is-recovery:drill';

/** Tag of the reaper on what people were told that it goes on to remove: once it is removed they are not told again. */
export const TOLD_TAG = 'wso2is-recovery:told';

/** Prefix of what one recovery leaves in the bucket of its site; ends with a slash. Holds what a drill's prefix holds. */
export const recoveryPrefix = (deployment: string, recoveryId: string) => `recoveries/${deployment}/${recoveryId}/`;

/** Prefix of the marks of what must not be restored; ends with a slash. Each is a JSON object (`lambda/drill/suspicion.ts`). */
export const suspicionPrefix = (deployment: string) => `suspicious/${deployment}/`;

/** Of a deployment at a site: which drill runs. Replication must not bring the lock of one site to the other. */
export const drillLockKey = (deployment: string, site: Site = 'dr-site') =>
  `locks/${deployment}/${site === 'dr-site' ? 'drill' : 'in-region-drill'}.json`;

/** Tag on everything that a recovery keeps; its value is the recovery's id. Nothing of this project deletes what has it. */
export const RECOVERY_TAG = 'wso2is-recovery:recovery';

/** What people were told of drift: so that they are told once. */
export const driftNoteKey = (deployment: string) => `watched/${deployment}/drift.json`;

/**
 * Keys of all that replication brings to the DR site of a deployment, as patterns: what another account may write there, for this
 * deployment and no other.
 */
export const replicatedKeys = (deployment: string): readonly string[] => [
  `${PLANS_PREFIX}${deployment}.*`,
  `archives/${deployment}/*`,
  `${baselinesPrefix(deployment)}*`,
  `${countsPrefix(deployment)}*`,
  `${drillsPrefix(deployment, 'in-region')}*`,
  `recoveries/${deployment}/*`,
  `${suspicionPrefix(deployment)}*`,
  drillLockKey(deployment, 'in-region'),
  driftNoteKey(deployment),
];
