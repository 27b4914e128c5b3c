import { createPrivateKey, X509Certificate } from 'node:crypto';
import { asn1, pkcs12, pki } from 'node-forge';
import { type Keystore, type KeystoreEntry, KeystoreError } from './keystore';

type Bag = ReturnType<typeof pkcs12.pkcs12FromAsn1>['safeContents'][number]['safeBags'][number];

/** @throws KeystoreError */
export function openPkcs12(file: Buffer, password: string): Keystore {
  const bags = open(file, password).safeContents.flatMap(({ safeBags }) => safeBags);
  const certificates = bags.filter(({ type }) => type === pki.oids['certBag']);
  const keys = bags.filter(({ type }) => type !== pki.oids['certBag']);
  const ownCertificates = keys.map((key) =>
    certificates.find((certificate) => localKeyId(certificate) === localKeyId(key)),
  );
  return {
    format: 'PKCS#12',
    entries: [
      ...keys.map((key, index) => keyEntry(key, ownCertificates[index])),
      ...certificates.filter((certificate) => !ownCertificates.includes(certificate)).map(certificateEntry),
    ],
  };
}

function open(file: Buffer, password: string): pkcs12.Pkcs12Pfx {
  let structure: asn1.Asn1;
  try {
    structure = asn1.fromDer(file.toString('binary'));
  } catch {
    throw new KeystoreError('damaged', 'cannot be read as PKCS#12: it is cut short or damaged');
  }
  try {
    return pkcs12.pkcs12FromAsn1(structure, password);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (/MAC could not be verified|Invalid password/i.test(message)) {
      throw new KeystoreError('password', 'does not open with its password, or was changed since it was written');
    }
    if (/unsupported|unknown|OID/i.test(message)) {
      throw new KeystoreError('unsupported', 'is protected by an algorithm that this release cannot read');
    }
    throw new KeystoreError('damaged', 'cannot be read as PKCS#12: it is damaged');
  }
}

function keyEntry(bag: Bag, certificate: Bag | undefined): KeystoreEntry {
  // A key that is not RSA comes as it was written.
  const structure =
    bag.key == null ? bag.asn1 : pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key as pki.rsa.PrivateKey));
  return {
    alias: aliasOf(bag),
    privateKey: () => createPrivateKey({ key: der(structure), format: 'der', type: 'pkcs8' }),
    ...certificateOf(certificate),
  };
}

const certificateEntry = (bag: Bag): KeystoreEntry => ({ alias: aliasOf(bag), ...certificateOf(bag) });

function certificateOf(bag: Bag | undefined): Pick<KeystoreEntry, 'certificate'> {
  if (bag === undefined) return {};
  const structure = bag.cert == null ? bag.asn1 : pki.certificateToAsn1(bag.cert);
  return { certificate: new X509Certificate(der(structure)) };
}

const der = (structure: asn1.Asn1) => Buffer.from(asn1.toDer(structure).getBytes(), 'binary');

const aliasOf = (bag: Bag) => attribute(bag, 'friendlyName').toLowerCase();
/** Java ties a key and its certificate by it; a keystore without has one key. */
const localKeyId = (bag: Bag) => attribute(bag, 'localKeyId');

const attribute = (bag: Bag, name: string) =>
  (bag.attributes as Record<string, readonly string[] | undefined> | undefined)?.[name]?.[0] ?? '';
