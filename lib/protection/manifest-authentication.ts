import { Arn, ArnFormat, Token } from 'aws-cdk-lib';

/** What holds for points that nobody signed. */
export interface ManifestAuthenticationOptions {
  /**
   * Whether points without a signature are restored. For archives from before they were signed, until the last of those points
   * has gone: whoever can write to a bucket can put such a point there.
   *
   * @default false
   */
  readonly acceptUnsigned?: boolean;
}

/** A key of your own in place of the site's. */
export interface ManifestKeyOptions extends ManifestAuthenticationOptions {
  /**
   * Keys that signed before, in the DR Region and with replicas in the primary Region too: what they signed stays good.
   *
   * @default - none
   */
  readonly formerKeyArns?: string[];
}

/**
 * Who may make a point. Each manifest carries a MAC (HMAC-SHA-256 by KMS) over what it says and the archive that it is for. Only
 * the export may make it, in the primary Region; the drill, the watch and whoever restores compare it. So nobody who can write to
 * a bucket can make a point, change one, or move one into another archive: it is not restored, and the reason is told.
 */
export class ManifestAuthentication {
  /**
   * With a multi-Region key that the site makes, and that each primary Region gets a replica of. The default.
   *
   * Costs 1 USD a month in each Region, and 0.03 USD for 10,000 requests (list prices): two for an export, one for each point
   * that a drill looks at.
   */
  public static withSiteKey(options: ManifestAuthenticationOptions = {}): ManifestAuthentication {
    return new ManifestAuthentication([], options.acceptUnsigned ?? false, true);
  }

  /**
   * With a multi-Region HMAC key (`HMAC_256`) of yours that has a replica, or is one, in the DR Region and in each primary Region.
   * Its policies must let this account use it by IAM.
   *
   * @param keyArn the one in the DR Region: `arn:aws:kms:eu-west-1:111111111111:key/mrk-...`
   */
  public static withKey(keyArn: string, options: ManifestKeyOptions = {}): ManifestAuthentication {
    const keyArns = [keyArn, ...(options.formerKeyArns ?? [])];
    for (const arn of keyArns) requireMultiRegionKey(arn);
    return new ManifestAuthentication(keyArns, options.acceptUnsigned ?? false, true);
  }

  /** Nothing is signed, and nobody asks: whoever can write to a bucket can make a point. */
  public static none(): ManifestAuthentication {
    return new ManifestAuthentication([], true, false);
  }

  private constructor(
    /**
     * In the DR Region; empty: that of the site.
     * @internal
     */
    public readonly _keyArns: readonly string[],
    /**
     * @internal
     */
    public readonly _acceptUnsigned: boolean,
    /**
     * @internal
     */
    public readonly _isSigned: boolean,
  ) {}
}

function requireMultiRegionKey(arn: string): void {
  if (!Token.isUnresolved(arn) && /^arn:[^:]+:kms:[^:]+:[^:]+:key\/mrk-[0-9a-f]+$/.test(arn)) return;
  throw new Error(
    '`keyArn` of manifestAuthentication must be the ARN of a multi-Region key, arn:PARTITION:kms:REGION:ACCOUNT:key/mrk-..., ' +
      `got ${Token.isUnresolved(arn) ? 'a token' : `'${arn}'`}: both Regions use the same key, by an ARN that is known when the app is synthesized`,
  );
}

/** The same multi-Region key in another Region. */
export const keyArnIn = (region: string, arn: string): string => {
  const { partition, account, resource, resourceName } = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME);
  return `arn:${partition}:kms:${region}:${account}:${resource}/${resourceName}`;
};

export const regionOfKey = (arn: string): string | undefined => Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
