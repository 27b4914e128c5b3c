import { constants, createDecipheriv, createHash, type KeyObject, privateDecrypt } from 'node:crypto';
import type { Ciphertext } from './ciphertext';

/** What a restored server could decrypt with. */
export interface Keys {
  /** `[encryption] key` first, then `old_key`. */
  readonly symmetric: readonly Buffer[];
  /** Private keys of the keystores, the internal one first. */
  readonly privateKeys: readonly PrivateKey[];
}

export interface PrivateKey {
  /** Upper-case hexadecimal SHA-1 of its certificate. */
  readonly thumbprint?: string;
  readonly key: KeyObject;
}

export type Decrypted =
  | { readonly kind: 'clear'; readonly text: string; readonly by: 'symmetric key' | 'keystore' }
  /** No key that was restored decrypts it. */
  | { readonly kind: 'no-key'; readonly by: 'symmetric key' | 'keystore' }
  /** This release does not know the transformation. */
  | { readonly kind: 'unsupported'; readonly transformation: string };

/**
 * As `SymmetricKeyInternalCryptoProvider` takes it: 48 and 64 characters are hexadecimal (AES-192, AES-256), anything else
 * the bytes of the text. Undefined where AES knows no such length.
 */
export function symmetricKey(text: string): Buffer | undefined {
  const isHex = [48, 64].includes(text.length) && /^[0-9a-f]+$/i.test(text);
  const key = Buffer.from(text, isHex ? 'hex' : 'utf8');
  return [16, 24, 32].includes(key.length) ? key : undefined;
}

/** Whether the value comes back: GCM and RSA's padding prove it, AES without a mode by its padding and that it is text. */
export function decrypt(ciphertext: Ciphertext, keys: Keys): Decrypted {
  const { transformation } = ciphertext;
  if (/^RSA(?:\/|$)/i.test(transformation)) {
    const open = rsaPadding(transformation);
    if (open === undefined) return { kind: 'unsupported', transformation };
    const clear = firstOf(byThumbprint(ciphertext, keys.privateKeys), ({ key }) => open(key, ciphertext.bytes));
    return outcome(clear, 'keystore');
  }
  const open = { 'AES/GCM/NoPadding': openGcm, AES: openEcb, 'AES/ECB/PKCS5Padding': openEcb }[transformation];
  if (open === undefined) return { kind: 'unsupported', transformation };
  // A key of before a change is tried only for values that tell which key made them, as the product does it.
  const candidates = keys.symmetric.filter((key, index) =>
    ciphertext.keyId === undefined ? index === 0 : keyIdOf(key) === ciphertext.keyId,
  );
  return outcome(
    firstOf(candidates, (key) => open(key, ciphertext)),
    'symmetric key',
  );
}

function outcome(clear: Buffer | undefined, by: 'symmetric key' | 'keystore'): Decrypted {
  const text = clear === undefined ? undefined : utf8(clear);
  return text === undefined ? { kind: 'no-key', by } : { kind: 'clear', text, by };
}

export const keyIdOf = (key: Buffer) => createHash('sha256').update(key).digest('base64');

/** The certificate that the value names first; that a key decrypts it proves more than a name. */
const byThumbprint = ({ thumbprint }: Ciphertext, keys: readonly PrivateKey[]) =>
  [...keys].sort((a, b) => Number(b.thumbprint === thumbprint) - Number(a.thumbprint === thumbprint));

function openGcm(key: Buffer, { bytes, initializationVector }: Ciphertext): Buffer {
  // IS keeps an empty text as an empty ciphertext.
  if (bytes.length === 0) return bytes;
  const algorithm = `aes-${bits(key)}-gcm` as 'aes-256-gcm';
  const decipher = createDecipheriv(algorithm, key, initializationVector ?? Buffer.alloc(0), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
}

function openEcb(key: Buffer, { bytes }: Ciphertext): Buffer {
  if (bytes.length === 0) return bytes;
  const decipher = createDecipheriv(`aes-${bits(key)}-ecb`, key, null);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

/** `GCM_TAG_LENGTH` of the provider, 128 bits, at the end of the ciphertext as Java puts it. */
const TAG_BYTES = 16;
const bits = (key: Buffer) => key.length * 8;

type OpenRsa = (key: KeyObject, bytes: Buffer) => Buffer;

function rsaPadding(transformation: string): OpenRsa | undefined {
  const padding = transformation.split('/')[2]?.toUpperCase().replaceAll('-', '');
  switch (padding) {
    case undefined:
    case 'PKCS1PADDING':
      return openPkcs1;
    case 'OAEPWITHSHA1ANDMGF1PADDING':
      return (key, bytes) =>
        privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, bytes);
    default:
      return undefined;
  }
}

/**
 * Padding taken off by hand: against those who guess, OpenSSL answers a wrong key with random bytes instead of an error,
 * and a check that takes them for the value could not fail.
 */
function openPkcs1(key: KeyObject, bytes: Buffer): Buffer {
  const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytes);
  const end = block.indexOf(0, 2);
  // 00 02, at least eight bytes that are not zero, 00.
  if (block[0] !== 0 || block[1] !== 2 || end < 10) throw new Error('the padding is wrong');
  return block.subarray(end + 1);
}

function firstOf<Key>(keys: readonly Key[], open: (key: Key) => Buffer): Buffer | undefined {
  for (const key of keys) {
    try {
      return open(key);
    } catch {
      // Another key may do.
    }
  }
  return undefined;
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
