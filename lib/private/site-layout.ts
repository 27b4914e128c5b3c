/** Names by which a site is found by whoever knows its Region. Pure; imported by `lib/`, which gives them, and by `bin/`. */

/** Name of a site that was given none. */
export const DEFAULT_SITE_NAME = 'wso2is-recovery';

/** The bucket at the DR site. */
export const siteBucketName = (siteName: string, account: string, drRegion: string) =>
  `${siteName}-${account}-${drRegion}`;

/** The function that drills and recovers at the DR site; invoked through its alias. */
export const drillFunctionName = (siteName: string) => `${siteName}-drill`;

/** The same in the primary Region, of one deployment. */
export const inRegionDrillFunctionName = (deployment: string) => `${deployment}-in-region-drill`;

/** Alias of either: a durable function is invoked by one. */
export const DRILL_ALIAS = 'live';
