import { Aws } from 'aws-cdk-lib';
import { siteBucketName } from '../private/site-layout';

export { drillFunctionName, inRegionDrillFunctionName } from '../private/site-layout';

/**
 * Physical names at the DR site, made of the site's name. They are known without a reference to its stack: a primary stack
 * can name them, no value flows between the Regions at deploy time, and no cycle of stacks can arise.
 */

export const vaultName = (siteName: string) => siteName;

/** Of the vault that nobody empties. */
export const airGappedVaultName = (siteName: string) => `${vaultName(siteName)}-air-gapped`;

/** @param account of the site; default: that of the stack in which the name is */
export const replicaBucketName = (siteName: string, drRegion: string, account: string = Aws.ACCOUNT_ID) =>
  siteBucketName(siteName, account, drRegion);

/** Alias of the site's key, for what is encrypted there on behalf of the primary Region. */
export const keyAlias = (siteName: string) => `alias/wso2is-recovery/${siteName}`;

/** Alias of the key of manifests at the site. */
export const manifestKeyAlias = (siteName: string) => `alias/wso2is-recovery/${siteName}-manifests`;

/** Longest site name: a bucket name has 63 characters, an account 12, the longest Region name 14, the hyphens 2. */
export const MAX_SITE_NAME_LENGTH = 35;

/** The tag by which the check function may read a secret; its value is the site's name. Replicas inherit it. */
export const SITE_TAG = 'wso2is-recovery:site';
