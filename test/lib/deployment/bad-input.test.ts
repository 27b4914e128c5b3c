import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';
import { DeploymentTomlError, parseDeployment } from '../../../lib/deployment/parse';

const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof DeploymentTomlError, String(error));
    return error.message;
  }
  return assert.fail('nothing was thrown');
};
const ofText = (text: string) => message(() => DeploymentToml.fromString(text));

test('a file that is not there', () => {
  assert.equal(
    message(() => DeploymentToml.fromFile('no/such.toml')),
    'no/such.toml: there is no such file: give the path of repository/conf/deployment.toml',
  );
});

describe('what is no TOML: line, column and what to write', () => {
  for (const [name, text, begins] of [
    [
      'a text without quotes',
      '[server]\nhostname = localhost\n',
      /^deployment\.toml:2:12: .*: write the text in quotes\n/,
    ],
    [
      'a table twice',
      '[a]\nx=1\n[a]\ny=1',
      /^deployment\.toml:3:\d+: .*: the same table or key stands twice; keep one\n/,
    ],
    ['a key twice', '[a]\nx=1\nx=2', /^deployment\.toml:3:\d+: .*: the same table or key stands twice; keep one\n/],
    [
      'an escape that is none',
      '[a]\nx = "host\\IAM"',
      /^deployment\.toml:2:\d+: .*: write '…' around a text with backslashes/,
    ],
    ['typographic quotes', '[secrets]\nadmin = “”', /^deployment\.toml:2:\d+: .*: write straight quotes/],
    [
      'a string that does not end',
      '[a]\nx = "b\ny = 1',
      /^deployment\.toml:2:\d+: .*write """…""" around one of several lines/,
    ],
    ['UTF-16', '\uFFFD\uFFFD[\0a\0]\0', /^deployment\.toml: is not UTF-8 text/],
  ] as const) {
    test(name, () => assert.match(ofText(text), begins));
  }

  test('the excerpt shows the line, and nothing secret', () => {
    const text = ofText('[a]\npassword = "hunter2"\nhostname = localhost\nkey_password = \'hunter3\'');
    assert.match(text, /hostname = localhost/);
    assert.match(text, /password = \*\*\*/);
    assert.doesNotMatch(text, /hunter/);
  });
});

describe('a database that cannot be understood', () => {
  const types = 'mysql, mariadb, oracle, mssql, db2, postgre, h2';
  for (const [name, text, expected] of [
    [
      'an unknown type that means a known one',
      '\n[database.identity_db]\ntype = "postgresql"\nhostname = "h"\n',
      `deployment.toml:3:8: \`[database.identity_db]\`: \`type\` must be one of ${types}, got 'postgresql': did you mean "postgre"?`,
    ],
    [
      'an unknown type beside a URL',
      '[database.user]\n  type = "informix"\nurl = "jdbc:mysql://h/x"',
      `deployment.toml:2:10: \`[database.user]\`: \`type\` must be one of ${types}, got 'informix': use one of those`,
    ],
    [
      'a URL of no known database',
      '[[datasource]]\nid = "X"\nurl = "jdbc:derby://h/x;password=hunter2"',
      `deployment.toml:3:7: \`[datasource]\`: \`url\` must be a JDBC URL of ${types}, got 'jdbc:derby://h/x;password=***': ` +
        'write a URL such as jdbc:postgresql://host:5432/name',
    ],
    [
      'neither type nor URL',
      'x = 1\n[database.user]\nhostname = "h"',
      'deployment.toml:2:1: `[database.user]` has neither `type` nor `url`: add `type = "postgre"`, or what it is',
    ],
    [
      'a datasource that has nothing but an id',
      '[datasource.A]\nid = "A"\njdbc_url = "jdbc:mysql://h/x"',
      'deployment.toml:1:1: `[datasource.A]` has neither `type` nor `url`: add `type = "postgre"`, or what it is',
    ],
    [
      'a datasource without a name',
      '[[datasource]]\nurl = "jdbc:mysql://h/x"',
      'deployment.toml:1:1: `[datasource]` has no `id`: give the datasource a name, `id = "..."`',
    ],
    [
      'one name twice',
      '[database.user]\nurl = "jdbc:mysql://h/x"\n[[datasource]]\nid = "user"\nurl = "jdbc:mysql://h/y"',
      "deployment.toml:3:1: `[datasource]` must have a name of its own, got 'user', which `[database.user]` in line 1 has: " +
        'give one of them another `id`',
    ],
    [
      'a port in the URL that is none',
      '[database.user]\nurl = "jdbc:mysql://h:65536/x"',
      "deployment.toml:2:7: `[database.user]`: the port in `url` must be a whole number from 1 to 65535, got '65536': " +
        'write the port',
    ],
    [
      'references in a circle',
      '[database.user]\ntype = "mysql"\nhostname = "$ref{a.b}"\n[a]\nb = "$ref{a.c}"\nc = "$ref{a.b}"',
      'deployment.toml:6:5: `a.c` refers to itself through a.b -> a.c -> a.b: write one of them out',
    ],
  ] as const) {
    test(name, () => assert.equal(ofText(text), expected));
  }

  test('a port that is none, both sides', () => {
    const withPort = (port: string) => `[database.user]\ntype = "mysql"\nhostname = "h"\nport = ${port}`;
    for (const port of ['0', '65536', '"x"', '1.5'])
      assert.match(ofText(withPort(port)), /^deployment\.toml:4:8: .*`port` must be a whole number/);
    assert.equal(parseDeployment(withPort('65535'), 'f').databases[0].port, 65535);
    assert.equal(parseDeployment(withPort('1'), 'f').databases[0].port, 1);
  });

  test('references that grow without end, or are too deep', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `k${index} = "$ref{a.k${index + 1}}$ref{a.k${index + 1}}"`);
    const growing = `[database.user]\ntype = "mysql"\nhostname = "$ref{a.k0}"\n[a]\n${lines.join('\n')}\nk60 = "x"`;
    assert.match(ofText(growing), /`a\.k\d+` must be at most 65536 characters when its references are resolved/);
    // Nothing grows here but the work, if it is done again for each reference.
    assert.equal(parseDeployment(growing.replace('k60 = "x"', 'k60 = ""'), 'f').databases[0].host, undefined);
    const chain = Array.from({ length: 5000 }, (_, index) => `k${index} = "$ref{a.k${index + 1}}"`);
    const deep = `[database.user]\ntype = "mysql"\nhostname = "$ref{a.k0}"\n[a]\n${chain.join('\n')}`;
    assert.match(ofText(deep), /refers through more than 100 others: write one of them out/);
  });
});

describe('no template is seen in', () => {
  const around = (value: string) =>
    `[server]\nvalue = ${value}\n[database.user]\ntype = "mysql"\nhostname = "h"\nname = "WSO2_USER_DB"\n`;
  for (const value of [
    '"https://$ref{server.hostname}:${carbon.management.port}"',
    '"${carbon.protocol}://${carbon.host}"',
    '"${carbon.home}/repository/resources/security/x.jks"',
    '"ldap://localhost:${Ports.EmbeddedLDAP.LDAPServerPort}"',
    '"$env{NODE_IP} $secret{a} $sys{b}"',
    `"{'activityid':'Correlation-ID'}"`,
    '"^[\\\\S]{3,30}$"',
    '"%h %l %u %t %r %s %b %{Referer}i %T"',
    '"(&amp;(objectClass=person)(uid=?))"',
    '"/t/{tenantDomain}/oauth2"',
    '"user@example.com"',
    '"pa$word<1>"',
    '1 # {{ a comment }} <%= too %> ${THAT}',
    `'it\\' # "{x}"`,
  ]) {
    test(value, () => assert.equal(parseDeployment(around(value), 'f').databases[0].host, 'h'));
  }

  test('a password in a URL', () => {
    const url = 'jdbc:sqlserver://h;databaseName=x;password=$pa<ss>{word}@@';
    assert.equal(parseDeployment(`[database.user]\nurl = "${url}"`, 'f').databases[0].databaseName, 'x');
  });
});

test('a host of capitals is one, with an underscore a placeholder', () => {
  const withHost = (host: string) => `[database.user]\ntype = "mysql"\nname = "x"\nhostname = "${host}"`;
  assert.equal(parseDeployment(withHost('MYSQL'), 'f').databases[0].host, 'MYSQL');
  assert.equal(parseDeployment(withHost('wso2_db'), 'f').databases[0].host, 'wso2_db');
  assert.match(ofText(withHost('DB_HOST')), /^deployment\.toml:4:12: is a template .*\(placeholder: `DB_HOST`\)/);
});
