/** Whether bytes look like noise: encrypted, or compressed. Pure. */

/** With fewer, a text and noise are not told apart surely. */
export const LEAST_BYTES = 512;

/** Of a file, so much from its beginning: noise shows at once. */
export const BYTES_LOOKED_AT = 64 * 1024;

/** Noise is nearer than this, in bits, to what that many random bytes have. Texts and XML have 4 to 6 bits a byte, base64 6. */
const MARGIN_BITS = 0.15;

/** Shannon's entropy, in bits a byte: 0 to 8. */
export function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  // No iterator: of a few files, nearly all of this runs before it is compiled.
  for (let index = 0; index < bytes.length; index += 1) counts[bytes[index]!]! += 1;
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / bytes.length) * Math.log2(count / bytes.length);
  return entropy;
}

/** What so many random bytes have: a little less than 8, since some values come more often than others (Miller's correction). */
const expectedOf = (bytes: number) => 8 - 255 / (2 * bytes * Math.LN2);

export const isNoise = (bytes: Uint8Array): boolean =>
  bytes.length >= LEAST_BYTES && entropyOf(bytes) >= expectedOf(bytes.length) - MARGIN_BITS;
