/** Encrypts as IS does, in both of its ways: `SymmetricKeyInternalCryptoProvider`, and `KeyStoreBasedInternalCryptoProvider`. */
import { constants, createCipheriv, createHash, publicEncrypt, randomBytes, type X509Certificate } from 'node:crypto';

/** Gives the text that the product would keep, in a database or in the file of a user store. */
export type Encrypt = (clear: string) => string;

/** @param key as `[encryption] key`: 32 characters for AES-256, taken as they are */
export function withSymmetricKey(key: string): Encrypt {
  const bytes = Buffer.from(key);
  return (clear) => {
    // 128 bytes, since the product takes its length in bits for one in bytes.
    const iv = randomBytes(128);
    const cipher = createCipheriv('aes-256-gcm', bytes, iv);
    const encrypted = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    const inner = JSON.stringify({
      cipher: encrypted.toString('base64'),
      initializationVector: iv.toString('base64'),
      keyId: createHash('sha256').update(bytes).digest('base64'),
    });
    return selfContained({ c: base64(inner), t: 'AES/GCM/NoPadding', iv: iv.toString('base64') });
  };
}

export function withKeystore(certificate: X509Certificate): Encrypt {
  const key = { key: certificate.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
  const thumbprint = createHash('sha1').update(certificate.raw).digest('hex').toUpperCase();
  return (clear) =>
    selfContained({
      c: publicEncrypt(key, Buffer.from(clear)).toString('base64'),
      t: 'RSA/ECB/OAEPwithSHA1andMGF1Padding',
      tp: thumbprint,
      tpd: 'SHA-1',
    });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const selfContained = (fields: Readonly<Record<string, string>>) => base64(JSON.stringify(fields));
