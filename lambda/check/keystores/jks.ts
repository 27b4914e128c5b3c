import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { decrypt, parseJks } from 'jks-js';
import { type Keystore, type KeystoreEntry, KeystoreError } from './keystore';

/** What the library really gives: its declarations call the members of a chain buffers. */
type Certificate = { readonly value: Uint8Array };
type Entry = {
  readonly alias: string;
  readonly cert?: Certificate;
  readonly chain?: readonly Certificate[];
  readonly protectedPrivateKey?: Uint8Array;
};

/** @throws KeystoreError */
export function openJks(file: Buffer, password: string, keyPassword: string): Keystore {
  // Without a password the library does not compare the digest, and every file would open.
  if (password === '') throw new KeystoreError('password', 'does not open with an empty password');
  return { format: 'JKS', entries: parse(file, password).map((entry) => entryOf(entry, keyPassword)) };
}

function parse(file: Buffer, password: string): readonly Entry[] {
  try {
    return parseJks(file, password) as unknown as readonly Entry[];
  } catch (error) {
    if (/Password verification failed/.test(String(error))) {
      // The digest at the end covers the file and the password: it does not tell which of them is another.
      throw new KeystoreError('password', 'does not open with its password, or was changed since it was written');
    }
    throw new KeystoreError('damaged', 'cannot be read as JKS: it is cut short or damaged');
  }
}

function entryOf({ alias, cert, chain, protectedPrivateKey }: Entry, keyPassword: string): KeystoreEntry {
  const first = cert ?? chain?.[0];
  return {
    alias: alias.toLowerCase(),
    ...(protectedPrivateKey === undefined
      ? {}
      : { privateKey: () => recover(Buffer.from(protectedPrivateKey), keyPassword, alias) }),
    ...(first === undefined ? {} : { certificate: new X509Certificate(Buffer.from(first.value)) }),
  };
}

function recover(protectedPrivateKey: Buffer, password: string, alias: string): KeyObject {
  let pem: string;
  try {
    pem = decrypt(protectedPrivateKey, password);
  } catch (error) {
    if (/Cannot recover key/.test(String(error))) {
      throw new KeystoreError('password', `holds the key ${alias}, which its \`key_password\` does not open`);
    }
    throw new KeystoreError('unsupported', `holds the key ${alias} in a form that this release cannot read`);
  }
  return createPrivateKey(pem);
}
