import type { KeyObject, X509Certificate } from 'node:crypto';

/** A keystore that its password opened. */
export interface Keystore {
  readonly format: 'JKS' | 'PKCS#12';
  readonly entries: readonly KeystoreEntry[];
}

export interface KeystoreEntry {
  /** In lower case, as Java compares it. */
  readonly alias: string;
  /** Absent in entries that are a certificate alone. */
  readonly privateKey?: () => KeyObject;
  readonly certificate?: X509Certificate;
}

/**
 * Why a keystore does not open: `password` (of the keystore, or of a key in it), `damaged`, or `unsupported`, which is this
 * release's lack and says nothing about the keystore. Never carries a password.
 */
export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  constructor(
    readonly kind: 'password' | 'damaged' | 'unsupported',
    message: string,
  ) {
    super(message);
  }
}

/** By the first bytes: JKS begins with FEEDFEED, JCEKS with CECECECE, PKCS#12 is a DER or BER sequence (0x30). */
export function keystoreFormat(start: Uint8Array): 'JKS' | 'JCEKS' | 'PKCS#12' | undefined {
  const hex = Buffer.from(start).toString('hex');
  if (hex.startsWith('feedfeed')) return 'JKS';
  if (hex.startsWith('cececece')) return 'JCEKS';
  // 0x30 alone is the digit 0 too: the length that follows must be one that a keystore of some size has.
  return /^308[0-4]/.test(hex) ? 'PKCS#12' : undefined;
}
