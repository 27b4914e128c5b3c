/**
 * Values that IS keeps encrypted: base64 of either a bare ciphertext or, since long ago, JSON that says how it was made
 * (`CipherMetaDataHolder` of carbon-crypto-service): `c` the ciphertext in base64, `t` the transformation, `tp` the SHA-1 of
 * the certificate. With AES/GCM `c` is JSON again: `cipher`, `initializationVector`, and `keyId`, the SHA-256 of the key.
 */
export interface Ciphertext {
  readonly transformation: string;
  readonly bytes: Buffer;
  /** AES/GCM alone. */
  readonly initializationVector?: Buffer;
  /** AES/GCM alone: base64 of the SHA-256 of the key. */
  readonly keyId?: string;
  /** RSA alone: upper-case hexadecimal SHA-1 of the certificate. */
  readonly thumbprint?: string;
}

/** Of RSA where the value does not tell: what the product sets by `org.wso2.CipherTransformation` for keystores. */
const DEFAULT_TRANSFORMATION = 'RSA/ECB/OAEPwithSHA1andMGF1Padding';
const GCM = 'AES/GCM/NoPadding';

/** Undefined where the value does not say of itself that it is encrypted: it may be clear text. */
export function parseSelfContained(value: string): Ciphertext | undefined {
  const fields = jsonOf(fromBase64(value));
  const [cipher, transformation] = [text(fields?.['c']), text(fields?.['t'])];
  if (fields === undefined || cipher === undefined || transformation === undefined) return undefined;
  const bytes = fromBase64(cipher);
  if (bytes === undefined) return undefined;
  if (transformation === GCM) return parseGcm(bytes);
  const thumbprint = text(fields['tp'])?.toUpperCase();
  return { transformation, bytes, ...(thumbprint === undefined ? {} : { thumbprint }) };
}

/** A value that is encrypted for certain. Undefined where it is not even base64. */
export function parseEncrypted(value: string): Ciphertext | undefined {
  const bytes = fromBase64(value);
  if (bytes === undefined || bytes.length === 0) return undefined;
  return parseSelfContained(value) ?? parseGcm(bytes) ?? { transformation: DEFAULT_TRANSFORMATION, bytes };
}

function parseGcm(json: Buffer): Ciphertext | undefined {
  const fields = jsonOf(json);
  const bytes = fromBase64(text(fields?.['cipher']) ?? '');
  const initializationVector = fromBase64(text(fields?.['initializationVector']) ?? '');
  if (bytes === undefined || initializationVector === undefined || initializationVector.length === 0) return undefined;
  const keyId = text(fields?.['keyId']);
  return { transformation: GCM, bytes, initializationVector, ...(keyId === undefined ? {} : { keyId }) };
}

/** Strict: what Node's decoder would pass over is no base64. Java breaks lines after 76 characters. */
function fromBase64(value: string): Buffer | undefined {
  const compact = value.replace(/\s+/g, '');
  return /^[A-Za-z0-9+/]*={0,2}$/.test(compact) && compact.length % 4 === 0
    ? Buffer.from(compact, 'base64')
    : undefined;
}

function jsonOf(bytes: Buffer | undefined): Record<string, unknown> | undefined {
  if (bytes?.[0] !== '{'.charCodeAt(0)) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
