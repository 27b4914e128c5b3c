/** Who is asked whether a point is authentic: KMS, with the keys that were given. Loaded only where a command runs. */
import { KMSClient } from '@aws-sdk/client-kms';
import type { Authenticator } from '../../lambda/archive/authenticity';
import { KmsAuthenticator } from '../../lambda/shared/kms-authenticator';
import type { SigningOptions } from './options';

/** Undefined: nobody asks. */
export function authenticatorFor({ macKey: keys, acceptUnsigned }: SigningOptions): Authenticator | undefined {
  if (keys === undefined) {
    if (acceptUnsigned) throw new Error('`--accept-unsigned` must come with `--mac-key`: without it nobody asks');
    return undefined;
  }
  const regions = new Set(keys.map((arn) => arn.split(':')[3]!));
  const [region] = regions;
  if (regions.size > 1) throw new Error(`\`--mac-key\` must be keys of one Region, got ${[...regions].join(' and ')}`);
  return new KmsAuthenticator(new KMSClient({ region: region! }), { keys, acceptUnsigned: acceptUnsigned ?? false });
}
