import { isReferenceIn } from '../../../lib/deployment/references';
import { parseSelfContained } from './ciphertext';
import { decrypt, type Keys } from './decrypt';

/** A value of `deployment.toml`, or why only a running server knows it. */
export type SecretValue = { readonly value: string } | { readonly unknown: string };

/**
 * What stands behind `$secret{alias}`: `[secrets]` holds it in brackets until WSO2's cipher tool is run, then in base64,
 * encrypted for the internal keystore, or the primary one where there is no other.
 *
 * @param vault keys that may open what the cipher tool encrypted; empty until a keystore is open
 */
export function resolveSecret(
  text: string,
  lookup: (path: string) => string | undefined,
  vault: Keys['privateKeys'],
): SecretValue {
  const [, alias] = /^\$secret\{([^{}]*)\}$/.exec(text.trim()) ?? [];
  if (alias === undefined) {
    return isReferenceIn(text) ? { unknown: `is ${text.trim()}, which only the server's host knows` } : { value: text };
  }
  const kept = lookup(`secrets.${alias.trim()}`)?.trim();
  if (kept === undefined || kept === '') {
    return { unknown: `is $secret{${alias}}, which [secrets] does not hold: an external vault does` };
  }
  const [, clear] = /^\[(.*)\]$/s.exec(kept) ?? [];
  if (clear !== undefined) return { value: clear };
  if (vault.length === 0) {
    return { unknown: `is $secret{${alias}}, encrypted for a keystore that only the password given at start-up opens` };
  }
  const bytes = Buffer.from(kept, 'base64');
  const ciphertext = parseSelfContained(kept) ?? { transformation: CIPHER_TOOL, bytes };
  const decrypted = decrypt(ciphertext, { symmetric: [], privateKeys: vault });
  return decrypted.kind === 'clear'
    ? { value: decrypted.text }
    : { unknown: `is $secret{${alias}}, which the keystores of this deployment do not decrypt` };
}

const CIPHER_TOOL = 'RSA/ECB/OAEPwithSHA1andMGF1Padding';
