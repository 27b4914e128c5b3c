/**
 * Who wrote a manifest: it carries a MAC by a key that is not in the bucket, so that whoever can write to the bucket cannot
 * make a point. What holds the key is at the edge; nothing here knows it.
 */
import type { SignedManifest } from './manifest';

/** As it stands in a manifest; see docs/archive-format.md. */
export interface ManifestMac {
  /** Prefix of the archive that it was made for. */
  readonly archive: string;
  readonly algorithm: 'HMAC_SHA_256';
  /** Id of the key. */
  readonly key: string;
  /** Base64. */
  readonly value: string;
}

export type KeyedMac = Omit<ManifestMac, 'archive'>;

export interface Authenticator {
  /** Whether manifests without a MAC are good: those from before there was a key. */
  readonly acceptUnsigned: boolean;
  /** @throws when the key cannot be used */
  sign(message: string): Promise<KeyedMac>;
  /**
   * @returns what is wrong; undefined: the MAC is that of the message, by a key that is trusted
   * @throws when that cannot be told
   */
  verify(message: string, mac: KeyedMac): Promise<string | undefined>;
}

/**
 * What is signed: the header, with the archive that it is for. The header holds the start, and the name of the manifest says
 * the same start and the SHA-256 of the whole: so it is good under its own name alone, and in this archive alone.
 */
const signedText = (archive: string, headerSha256: string) =>
  `wso2is-recovery-archive manifest\n${archive}\n${headerSha256}\n`;

/** The MAC of a manifest that is about to be written. */
export const signManifest = async (
  archive: string,
  headerSha256: string,
  authenticator: Authenticator,
): Promise<ManifestMac> => ({ archive, ...(await authenticator.sign(signedText(archive, headerSha256))) });

/** @returns why a manifest of this archive is not to be relied on; undefined: it is */
export async function distrust(
  archive: string,
  { headerSha256, mac }: Pick<SignedManifest, 'headerSha256' | 'mac'>,
  authenticator: Authenticator,
): Promise<string | undefined> {
  if (!mac) return authenticator.acceptUnsigned ? undefined : 'the manifest is not signed: nothing says who wrote it';
  if (mac.archive !== archive) {
    return `the manifest was signed for the archive ${mac.archive}, and is in ${archive}: it was put where it does not belong`;
  }
  return authenticator.verify(signedText(archive, headerSha256), mac);
}
