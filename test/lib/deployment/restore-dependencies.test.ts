import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';

const keystores = (text: string) =>
  DeploymentToml.fromString(text).keystores.map(({ role, path }) => `${role} ${path}`);

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
  ['[encryption]\nkey = "3CC0481B70794667b5bee7e2beed2de4"', 'public-default'],
  ['[encryption]\nkey = "3cc0481b70794667b5bee7e2beed2de5"', 'literal'],
  ['[encryption]\nkey = "${crypto.key}"', 'reference'],
  ['[encryption]\nkey = "$secret{k}"', 'reference'],
  ['[a]\nb = "$env{K}"\n[encryption]\nkey = "$ref{a.b}"', 'reference'],
]) {
  test(`encryption key ${JSON.stringify(text)} is ${kind}`, () => {
    assert.equal(DeploymentToml.fromString(text).encryptionKey, kind);
  });
}

test('what is not in the file is absent from the plan document', () => {
  assert.deepEqual(Object.keys(DeploymentToml.fromString('')._restoreDependencies), [
    'deploymentTomlPath',
    'keystores',
    'encryptionKey',
  ]);
});

test('without a membership scheme there is no cluster, without a host no mail', () => {
  const text = '[clustering]\ndomain = "x"\nmembers = ["a:4000"]\n[output_adapter.email]\nport = 25';
  const { clustering, smtp } = DeploymentToml.fromString(text);
  assert.equal(clustering, undefined);
  assert.equal(smtp, undefined);
});

test('where secrets are', () => {
  const text = `
[a]
b = "$secret{encrypted} $secret{clear}"
c = "$secret{elsewhere}"
[secrets]
encrypted = "kl=="
clear = "[wso2carbon]"
elsewhere = ""
unused = "x"`;
  assert.deepEqual(DeploymentToml.fromString(text).secrets, {
    aliases: ['clear', 'elsewhere', 'encrypted'],
    elsewhere: ['elsewhere'],
    clearText: ['clear'],
  });
});

test('lookup resolves $ref and keeps what only run time knows', () => {
  const deployment = DeploymentToml.fromString(
    '[server]\nhostname = "h"\nbase_path = "https://$ref{server.hostname}:${carbon.management.port}"\n[a]\nb = "$secret{k}"',
  );
  assert.equal(deployment.lookup('server.base_path'), 'https://h:${carbon.management.port}');
  assert.equal(deployment.lookup('a.b'), '$secret{k}');
  assert.equal(deployment.lookup('server'), undefined);
  assert.equal(deployment.lookup('nothing.here'), undefined);
});

test('what is handed out is a copy', () => {
  const deployment = DeploymentToml.fromString('[a]\nb = "$secret{k}"');
  deployment.secrets!.aliases.push('x');
  deployment.databases.pop();
  assert.deepEqual(deployment._restoreDependencies.secrets?.aliases, ['k']);
});
