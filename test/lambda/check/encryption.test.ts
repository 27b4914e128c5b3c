// Against values that Java encrypted as the product does: test/fixtures/keystores/README.md.
import { strict as assert } from 'node:assert';
import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEncrypted, parseSelfContained } from '../../../lambda/check/encryption/ciphertext';
import { decrypt, type Keys, symmetricKey } from '../../../lambda/check/encryption/decrypt';
import { resolveSecret } from '../../../lambda/check/encryption/secret-value';
import { openKeystore } from '../../../lambda/check/keystores/open-keystore';

const fixtures = join(__dirname, '../../fixtures/keystores');
const MADE_BY_JAVA = JSON.parse(readFileSync(join(fixtures, 'ciphertexts.json'), 'utf8')) as Record<string, string>;
const OAEP = 'RSA/ECB/OAEPwithSHA1andMGF1Padding';
const KEY = symmetricKey('0123456789abcdef0123456789ABCDEF')!;
const OTHER = symmetricKey('ffffffffffffffffffffffffffffffff')!;

function privateKeys(name: string, keyPassword?: string): Keys['privateKeys'] {
  const { entries } = openKeystore(readFileSync(join(fixtures, name)), 'store-pass', keyPassword);
  const { privateKey, certificate } = entries.find(({ alias }) => alias === 'wso2carbon')!;
  return [{ key: privateKey!(), thumbprint: createHash('sha1').update(certificate!.raw).digest('hex').toUpperCase() }];
}
const JKS = privateKeys('wso2carbon.jks', 'key-pass');
const P12 = privateKeys('wso2carbon.p12');

const withKeys = (keys: Partial<Keys>): Keys => ({ symmetric: [], privateKeys: [], ...keys });
const opened = (name: string, keys: Partial<Keys>) => {
  const result = decrypt(parseEncrypted(MADE_BY_JAVA[name]!)!, withKeys(keys));
  return result.kind === 'clear' ? result.text : result.kind;
};

describe('values of the product', () => {
  it('decrypt with the key that Java used', () => {
    assert.equal(opened('gcm', { symmetric: [KEY] }), 'grüße');
    assert.equal(opened('gcmkid', { symmetric: [KEY] }), 'with key id');
    assert.equal(opened('ecb', { symmetric: [KEY] }), 'plain aes');
    const hex = symmetricKey('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff')!;
    assert.equal(opened('gcm64', { symmetric: [hex] }), 'hex key');
    assert.equal(opened(`rsa wso2carbon.jks ${OAEP}`, { privateKeys: JKS }), 'rsa of wso2carbon.jks');
    assert.equal(opened(`rsa wso2carbon.p12 ${OAEP}`, { privateKeys: P12 }), 'rsa of wso2carbon.p12');
    assert.equal(opened('rsa wso2carbon.p12 RSA', { privateKeys: P12 }), 'rsa of wso2carbon.p12');
    assert.equal(opened('bare wso2carbon.jks', { privateKeys: JKS }), 'rsa of wso2carbon.jks');
  });

  it('do not with another: not one padding lets a wrong key pass', () => {
    assert.equal(opened('gcm', { symmetric: [OTHER] }), 'no-key');
    assert.equal(opened('ecb', { symmetric: [OTHER] }), 'no-key');
    assert.equal(opened('gcm', {}), 'no-key');
    for (const name of [`rsa wso2carbon.jks ${OAEP}`, 'rsa wso2carbon.jks RSA', 'bare wso2carbon.jks']) {
      assert.equal(opened(name, { privateKeys: P12 }), 'no-key', name);
      assert.equal(opened(name, { privateKeys: [...P12, ...JKS] }), 'rsa of wso2carbon.jks', name);
    }
  });

  it('do not with another, though OpenSSL answers PKCS#1 padding of a wrong key with random bytes, some of them text', () => {
    const publicKey = createPublicKey(JKS[0]!.key);
    for (let index = 0; index < 600; index++) {
      const bytes = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(`v${index}`));
      assert.equal(decrypt({ transformation: 'RSA', bytes }, withKeys({ privateKeys: P12 })).kind, 'no-key');
    }
  });

  it('decrypt with the old key only where the value tells that it is the one', () => {
    assert.equal(opened('gcmkid', { symmetric: [OTHER, KEY] }), 'with key id');
    assert.equal(opened('gcm', { symmetric: [OTHER, KEY] }), 'no-key');
  });

  it('that were changed by one bit do not decrypt', () => {
    const ciphertext = parseSelfContained(MADE_BY_JAVA['gcm']!)!;
    for (let index = 0; index < ciphertext.bytes.length; index++) {
      const bytes = Buffer.from(ciphertext.bytes);
      bytes[index]! ^= 1;
      assert.equal(decrypt({ ...ciphertext, bytes }, withKeys({ symmetric: [KEY] })).kind, 'no-key');
    }
  });

  it('of a transformation that is not known say so', () => {
    const value = Buffer.from(JSON.stringify({ c: 'AAAA', t: 'ChaCha20' })).toString('base64');
    assert.deepEqual(decrypt(parseSelfContained(value)!, withKeys({ symmetric: [KEY] })), {
      kind: 'unsupported',
      transformation: 'ChaCha20',
    });
    const sha256 = { transformation: 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding', bytes: Buffer.alloc(256) };
    assert.equal(decrypt(sha256, withKeys({ privateKeys: P12 })).kind, 'unsupported');
  });

  it('tell themselves from clear text', () => {
    for (const clear of ['', 'secret', 'c2VjcmV0', 'e30=', '{"algorithm":"SHA-256"}', 'a-b_c', 'AAA']) {
      assert.equal(parseSelfContained(clear), undefined, clear);
    }
    assert.equal(parseEncrypted('not base64!'), undefined);
    assert.equal(parseEncrypted(''), undefined);
    fc.assert(fc.property(fc.string(), (text) => parseSelfContained(text) === undefined));
    fc.assert(fc.property(fc.base64String(), (text) => (parseEncrypted(text), true)));
  });
});

describe('symmetricKey', () => {
  for (const [text, bytes] of [
    ['0123456789abcdef', 16],
    ['0123456789abcdef01234567', 24],
    ['0123456789abcdef0123456789abcdef', 32],
    ['0123456789abcdef'.repeat(3), 24],
    ['0123456789abcdef'.repeat(4), 32],
    ['0123456789abcde', undefined],
    ['0123456789abcdef0', undefined],
    ['z'.repeat(64), undefined],
    ['', undefined],
  ] as const) {
    it(`${text.length} characters: ${bytes ?? 'none'} bytes`, () => assert.equal(symmetricKey(text)?.length, bytes));
  }
});

describe('resolveSecret', () => {
  const lookup = (path: string) =>
    ({ 'secrets.clear': '[p[a]ss]', 'secrets.tool': MADE_BY_JAVA['bare wso2carbon.p12']!, 'secrets.empty': '' })[path];

  it('gives literals, what waits for the cipher tool, and what the tool encrypted for a keystore that is open', () => {
    assert.deepEqual(resolveSecret('wso2carbon', lookup, []), { value: 'wso2carbon' });
    assert.deepEqual(resolveSecret('$secret{clear}', lookup, []), { value: 'p[a]ss' });
    assert.deepEqual(resolveSecret('$secret{tool}', lookup, P12), { value: 'rsa of wso2carbon.p12' });
  });

  for (const [text, vault, reason] of [
    ['$secret{gone}', P12, /which \[secrets\] does not hold: an external vault does/],
    ['$secret{empty}', P12, /which \[secrets\] does not hold/],
    ['$secret{tool}', [], /a keystore that only the password given at start-up opens/],
    ['$secret{tool}', JKS, /which the keystores of this deployment do not decrypt/],
    ['$env{KEYSTORE_PASSWORD}', P12, /^is \$env\{KEYSTORE_PASSWORD\}, which only the server's host knows/],
  ] as const) {
    it(`says why it cannot give ${text}`, () => {
      const result = resolveSecret(text, lookup, vault);
      assert.match('unknown' in result ? result.unknown : '', reason);
    });
  }
});
