// Against files that Java's own keytool made: test/fixtures/keystores/README.md.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeystoreError, keystoreFormat } from '../../../lambda/check/keystores/keystore';
import { openKeystore } from '../../../lambda/check/keystores/open-keystore';

const file = (name: string) => readFileSync(join(__dirname, '../../fixtures/keystores', name));
const kindOf = (open: () => unknown) => {
  try {
    open();
    return 'opened';
  } catch (error) {
    assert.ok(error instanceof KeystoreError, String(error));
    assert.doesNotMatch(error.message, /store-pass|key-pass/);
    return error.kind;
  }
};

describe('keystores', () => {
  it('open: JKS and PKCS#12, with their aliases, RSA keys and certificates that belong together', () => {
    for (const [name, format, keyPassword] of [
      ['wso2carbon.jks', 'JKS', 'key-pass'],
      ['wso2carbon.p12', 'PKCS#12', undefined],
    ] as const) {
      const keystore = openKeystore(file(name), 'store-pass', keyPassword);
      assert.equal(keystore.format, format);
      assert.deepEqual(keystore.entries.map(({ alias }) => alias).sort(), ['ec', 'wso2carbon']);
      const entry = keystore.entries.find(({ alias }) => alias === 'wso2carbon');
      assert.equal(entry?.privateKey?.().asymmetricKeyType, 'rsa');
      assert.equal(entry?.certificate?.checkPrivateKey(entry.privateKey!()), true);
    }
  });

  it('give a key that is not RSA from PKCS#12', () => {
    const entry = openKeystore(file('wso2carbon.p12'), 'store-pass').entries.find(({ alias }) => alias === 'ec');
    assert.equal(entry?.privateKey?.().asymmetricKeyType, 'ec');
    assert.equal(entry?.certificate?.checkPrivateKey(entry.privateKey!()), true);
  });

  it('give a truststore without any key; aliases in lower case, as Java compares them', () => {
    for (const name of ['client-truststore.jks', 'client-truststore.p12']) {
      const [entry, ...others] = openKeystore(file(name), 'store-pass').entries;
      assert.deepEqual(others, []);
      assert.equal(entry?.alias, 'trusted');
      assert.equal(entry?.privateKey, undefined);
      assert.equal(entry?.certificate?.subject, 'CN=localhost');
    }
  });

  for (const [name, password, kind] of [
    ['wso2carbon.jks', 'other', 'password'],
    ['wso2carbon.jks', '', 'password'],
    ['wso2carbon.p12', 'other', 'password'],
    ['wso2carbon.p12', '', 'password'],
    ['wso2carbon.jceks', 'store-pass', 'unsupported'],
    ['with-secret-key.p12', 'store-pass', 'unsupported'],
    ['README.md', 'store-pass', 'damaged'],
  ] as const) {
    it(`refuses ${name} with password '${password}': ${kind}`, () => {
      assert.equal(
        kindOf(() => openKeystore(file(name), password)),
        kind,
      );
    });
  }

  it('refuses a key with the password of the store where it has one of its own', () => {
    const entry = openKeystore(file('wso2carbon.jks'), 'store-pass').entries.find(
      ({ alias }) => alias === 'wso2carbon',
    );
    assert.equal(
      kindOf(() => entry?.privateKey?.()),
      'password',
    );
  });

  it('refuses one that is cut short, wherever', () => {
    for (const name of ['client-truststore.jks', 'client-truststore.p12']) {
      const whole = file(name);
      for (let length = 0; length < whole.length; length += 13) {
        assert.match(
          kindOf(() => openKeystore(whole.subarray(0, length), 'store-pass')),
          /damaged|password/,
          `${name} cut at ${length}`,
        );
      }
    }
  });

  it('never opens what is no keystore, and fails in its own words', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('feedfeed00000002', 'feedfeed0000000200000001', '3082', '30820a0002010330', 'cececece', ''),
        fc.uint8Array({ maxLength: 200 }),
        (start, rest) => {
          assert.notEqual(
            kindOf(() => openKeystore(Buffer.concat([Buffer.from(start, 'hex'), rest]), 'store-pass')),
            'opened',
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are told apart by their first bytes', () => {
    assert.equal(keystoreFormat(file('wso2carbon.jks')), 'JKS');
    assert.equal(keystoreFormat(file('wso2carbon.jceks')), 'JCEKS');
    assert.equal(keystoreFormat(file('wso2carbon.p12')), 'PKCS#12');
    assert.equal(keystoreFormat(Buffer.from('0123')), undefined);
  });
});
