/** Real PKCS#12 keystores with a self-signed certificate, as `keytool` would make them; the keys are new each time. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { asn1, md, pki, pkcs12 } from 'node-forge';

/** A private key and its certificate under `alias`; the certificate is also given, to encrypt for the keystore. */
export function keystore({ alias, password }: { alias: string; password: string }): {
  readonly file: Buffer;
  readonly certificate: X509Certificate;
} {
  const { key, certificate } = selfSigned();
  return {
    file: bytes(pkcs12.toPkcs12Asn1(key, [certificate], password, { algorithm: '3des', friendlyName: alias })),
    certificate: new X509Certificate(pki.certificateToPem(certificate)),
  };
}

/** Certificates only, no key. */
export function truststore({ password }: { password: string }): Buffer {
  return bytes(pkcs12.toPkcs12Asn1(null, [selfSigned().certificate], password, { algorithm: '3des' }));
}

function selfSigned() {
  // node's own generator: node-forge's takes seconds.
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key: pki.rsa.PrivateKey = pki.privateKeyFromPem(pair.privateKey);
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date('2026-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date('2036-01-01T00:00:00Z');
  const name = [
    { name: 'commonName', value: 'localhost' },
    { name: 'organizationName', value: 'Sample' },
  ];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(key, md.sha256.create());
  return { key, certificate };
}

const bytes = (value: asn1.Asn1) => Buffer.from(asn1.toDer(value).getBytes(), 'binary');
