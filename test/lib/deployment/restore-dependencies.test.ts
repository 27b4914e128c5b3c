import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';

const keystores = (text: string) =>
  DeploymentToml.fromString(text).keystores.map(({ role, path }) => `${role} ${path}`);

test('keystores of a file with all of them', () => {
  const deployment = DeploymentToml.fromFile(join(__dirname, '../../fixtures/deployment/keystores.toml'));
  assert.deepEqual(deployment.keystores, [
    { role: 'primary', path: 'repository/resources/security/primary.jks' },
    { role: 'internal', path: 'repository/resources/security/internal.jks' },
    { role: 'tls', path: 'repository/resources/security/primary.jks' },
    { role: 'custom', path: 'repository/resources/security/saml.p12' },
    { role: 'truststore', path: 'repository/resources/security/client-truststore.p12' },
  ]);
  assert.equal(deployment.encryptionKey, 'public-default');
});

test('keystores where nothing is written', () => {
  assert.deepEqual(DeploymentToml.fromString('').keystores, [
    {
      role: 'primary',
      path: 'repository/resources/security/wso2carbon.p12',
      orPath: 'repository/resources/security/wso2carbon.jks',
    },
    {
      role: 'truststore',
      path: 'repository/resources/security/client-truststore.p12',
      orPath: 'repository/resources/security/client-truststore.jks',
    },
  ]);
  assert.deepEqual(keystores('[keystore.primary]\ntype = "JKS"\n[truststore]\ntype = "pkcs12"'), [
    'primary repository/resources/security/wso2carbon.jks',
    'truststore repository/resources/security/client-truststore.p12',
  ]);
});

test('paths of keystores', () => {
  const primary = (file: string) => keystores(`[keystore.primary]\nfile_name = "${file}"`)[0];
  assert.equal(primary('${carbon.home}/repository/x.jks'), 'primary repository/x.jks');
  assert.equal(primary('repository/resources/security/x.jks'), 'primary repository/resources/security/x.jks');
  assert.equal(primary('/etc/x.jks'), 'primary /etc/x.jks');
});

for (const [text, kind] of [
  ['', 'absent'],
  ['[encryption]\nkey = ""', 'absent'],
  ['[encryption]\nkey = "03bafeb2ffff"', 'public-default'],
  ['[encryption]\nkey = "3cc0481b70794667b5bee7e2beed2de4"', 'literal'],
  ['[encryption]\nkey = "$secret{k}"', 'reference'],
  ['[a]\nb = "$env{K}"\n[encryption]\nkey = "$ref{a.b}"', 'reference'],
]) {
  test(`encryption key ${JSON.stringify(text)} is ${kind}`, () => {
    assert.equal(DeploymentToml.fromString(text).encryptionKey, kind);
  });
}
