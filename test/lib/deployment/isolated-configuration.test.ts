import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'smol-toml';
import { DeploymentTomlError } from '../../../lib/deployment/errors';
import { type IsolatedEndpoint, isolatedConfiguration } from '../../../lib/deployment/isolated-configuration';
import { parseDeployment } from '../../../lib/deployment/parse';

const HOST = 'drill-1.abc.eu-central-1.rds.amazonaws.com';
const FIXTURES = join(import.meta.dirname, '../../fixtures/deployment');

const endpoint = (datasources: readonly string[], more: Partial<IsolatedEndpoint> = {}): IsolatedEndpoint => ({
  datasources: datasources.map((datasource) => ({ datasource, type: 'postgre', databaseName: 'restored' })),
  host: HOST,
  port: 5432,
  ...more,
});

/** With plain objects, as literals are. */
const tomlOf = (text: string) => JSON.parse(JSON.stringify(parse(text))) as Record<string, Record<string, unknown>>;

const isolated = (text: string, endpoints = [endpoint(['identity_db', 'shared_db'])]) => {
  const result = isolatedConfiguration(text, 'deployment.toml', endpoints);
  return { ...result, toml: tomlOf(result.text) };
};

const reason = (text: string, endpoints?: IsolatedEndpoint[]): string => {
  try {
    isolated(text, endpoints);
  } catch (error) {
    assert.ok(error instanceof DeploymentTomlError);
    return error.message;
  }
  return assert.fail('it was not refused');
};

const DATABASES = `
[database.identity_db]
type = "postgre"
hostname = "pg.example.com"
name = "identity"
username = "is"
password = "secret"
[database.shared_db]
url = "jdbc:postgresql://pg.example.com:6432/shared?sslmode=require&amp;x=1"
`;

describe('databases', () => {
  it('lead to the restored ones, in either form, with the options of a URL and the credentials of the file', () => {
    const { toml } = isolated(DATABASES);
    assert.deepEqual(toml['database'], {
      identity_db: {
        type: 'postgre',
        hostname: HOST,
        port: '5432',
        name: 'identity',
        username: 'is',
        password: 'secret',
      },
      shared_db: { url: `jdbc:postgresql://${HOST}:5432/shared?sslmode=require&amp;x=1` },
    });
  });

  it('take other credentials where there are some', () => {
    const credentials = { username: '$env{BOOT_USER}', password: '$env{BOOT_PASSWORD}' };
    const { toml, references } = isolated(DATABASES, [endpoint(['identity_db', 'shared_db'], { credentials })]);
    const { identity_db: database } = toml['database'] as Record<string, Record<string, unknown>>;
    assert.deepEqual([database?.['username'], database?.['password']], ['$env{BOOT_USER}', '$env{BOOT_PASSWORD}']);
    assert.deepEqual(references, ['env:BOOT_PASSWORD', 'env:BOOT_USER']);
  });

  it('known to the environment of production alone are taken from the plan', () => {
    const { toml, references } = isolated(
      '[database.identity_db]\ntype = "$env{T}"\nhostname = "$env{H}"\nport = "$env{P}"\nname = "$env{N}"\npassword = "$env{PW}"\n' +
        '[database.shared_db]\ntype = "postgre"\nurl = "$secret{url}"',
    );
    assert.deepEqual(toml['database'], {
      identity_db: { type: 'postgre', hostname: HOST, port: '5432', name: 'restored', password: '$env{PW}' },
      shared_db: { type: 'postgre', url: `jdbc:postgresql://${HOST}:5432/restored` },
    });
    assert.deepEqual(references, ['env:PW'], 'what the server must still be given');
  });

  it('lose the options of a URL that name another host', () => {
    const at = (url: string, type: string) =>
      (
        isolated(`[database.identity_db]\nurl = "${url}"`, [
          { ...endpoint([]), datasources: [{ datasource: 'identity_db', type, databaseName: 'i' }] },
        ]).toml['database']?.['identity_db'] as Record<string, unknown>
      )['url'];
    assert.equal(
      at('jdbc:sqlserver://a.example.com:1433;databaseName=i;failoverPartner=b.example.com', 'mssql'),
      `jdbc:sqlserver://${HOST}:5432;databaseName=i`,
    );
    assert.equal(
      at('jdbc:mysql://a.example.com/i?socksProxyHost=10.0.0.1&amp;useSSL=true', 'mysql'),
      `jdbc:mysql://${HOST}:5432/i`,
    );
    assert.equal(
      at('jdbc:mysql://a.example.com/i?serverTimezone=Europe/Berlin', 'mysql'),
      `jdbc:mysql://${HOST}:5432/i?serverTimezone=Europe/Berlin`,
      'no host',
    );
  });

  it('refuse where one of them was not restored, and name each', () => {
    assert.equal(
      reason(DATABASES, [endpoint(['identity_db'])]),
      'deployment.toml: cannot be isolated from production: [database.shared_db] shared_db has no restored database: ' +
        'protect it, or take it out of the file',
    );
    assert.match(reason(DATABASES, []), /identity_db has no restored database.*; .*shared_db has no restored database/);
  });

  it('refuse where the driver asks Secrets Manager', () => {
    const text = '[database.identity_db]\nurl = "jdbc-secretsmanager:mysql://a.example.com:3306/i"';
    assert.match(reason(text), /identity_db takes its credentials from Secrets Manager, which the server cannot reach/);
  });

  it('embedded in the server stay', () => {
    assert.deepEqual(isolated('[database.identity_db]\ntype = "h2"', []).toml['database'], {
      identity_db: { type: 'h2' },
    });
  });
});

describe('what the server could meet', () => {
  it('is no cluster', () => {
    const { toml, changed } = isolated(
      '[clustering]\nmembership_scheme = "wka"\nlocal_member_host = "10.0.1.4"\n[[clustering.members]]\nhost = "10.0.1.5"',
    );
    assert.equal(toml['clustering'], undefined);
    assert.ok(changed.some(({ key }) => key === 'clustering'));
  });

  it('is no mail server, whether the file names one or the product does', () => {
    const written =
      '[output_adapter.email]\nhostname = "smtp.example.com"\nport = 587\nusername = "u"\npassword = "$secret{mail}"';
    const { toml, references } = isolated(written);
    assert.deepEqual(toml['output_adapter']?.['email'], {
      hostname: 'isolated.invalid',
      port: 587,
      username: 'isolated',
      password: 'isolated',
    });
    assert.deepEqual(references, []);
    assert.deepEqual(isolated('').toml['output_adapter'], { email: { hostname: 'isolated.invalid' } });
  });

  it('is no receiver of events', () => {
    const { toml } = isolated(
      '[identity_mgt.analytics_login_data_publisher]\nenable = true\n' +
        '[[event_handler]]\nname = "audit"\n[event_handler.properties]\nreceiver = "tcp://analytics.example.com:7611,tcp://b:7611"\n' +
        'api_url = "https://hooks.example.com/x"\nbootstrap_servers = "k1:9092,k2:9092"\ntoken_url = "$env{TOKEN_URL}"',
    );
    assert.deepEqual(toml['identity_mgt'], { analytics_login_data_publisher: { enable: false } });
    assert.deepEqual(toml['event_handler'], [
      {
        name: 'audit',
        properties: {
          receiver: 'tcp://isolated.invalid:7611,tcp://isolated.invalid:7611',
          api_url: 'https://isolated.invalid/x',
          bootstrap_servers: 'isolated.invalid',
          token_url: 'isolated.invalid',
        },
      },
    ]);
  });

  it('is itself by its own name', () => {
    const { toml } = isolated(
      '[server]\nhostname = "iam.example.com"\nbase_path = "https://iam.example.com"\n[authenticationendpoint]\n' +
        'hostname = "iam.example.com"\n[console]\ncallback_url = "https://iam.example.com:9443/console"\nother_url = "https://$ref{server.hostname}/x"',
    );
    assert.deepEqual(toml['server'], {
      hostname: 'localhost',
      base_path: 'https://$ref{server.hostname}:${carbon.management.port}',
      internal_hostname: 'localhost',
    });
    assert.deepEqual(toml['authenticationendpoint'], { hostname: 'localhost' });
    assert.deepEqual(toml['console'], {
      callback_url: 'https://localhost:9443/console',
      other_url: 'https://$ref{server.hostname}/x',
    });
  });

  it('is no directory: refused, as the server does not start without its users', () => {
    const why = /users are in a directory or database that is not restored/;
    assert.match(reason('[user_store]\ntype = "read_only_ldap"\nconnection_url = "ldap://ad.example.com:389"'), why);
    assert.match(reason('[user_store.properties]\nConnectionURL = "$env{LDAP_URL}"'), why);
    assert.match(reason('[user_store.properties]\nurl = "jdbc:mysql://users.example.com/u"'), why);
    const own =
      '[user_store]\ntype = "read_write_ldap"\nconnection_url = "ldap://localhost:${Ports.EmbeddedLDAP.LDAPServerPort}"';
    assert.deepEqual(isolated(own).toml['user_store'], tomlOf(own)['user_store'], 'the one inside the server');
  });

  it('is no other database', () => {
    assert.match(
      reason('[accelerator.store]\nconnection = "jdbc:mysql://other.example.com/x"'),
      /accelerator\.store\.connection: is the address of a database that is not restored/,
    );
  });

  it('leaves names that look like addresses, and says so', () => {
    const { toml, left } = isolated(
      '[oauth]\nissuer_url = "https://iam.example.com/oauth2/token"\ndialect = "http://wso2.org/claims"\nname = "x.y"',
    );
    assert.deepEqual(toml['oauth'], {
      issuer_url: 'https://iam.example.com/oauth2/token',
      dialect: 'http://wso2.org/claims',
      name: 'x.y',
    });
    assert.deepEqual(left, ['oauth.issuer_url', 'oauth.dialect']);
  });
});

describe('the rest of the file', () => {
  it('keeps numbers, fractions, dates, lists, switches under keys of addresses, and secrets', () => {
    const text =
      'a = 1\nb = 1.0\nc = 1979-05-27T07:32:00Z\nd = [1, 2]\ne = true\n[g]\nverify_server = "true"\n' +
      '[secrets]\nx = "M3jk=="\n[keystore.primary]\npassword = "$secret{x}"\n';
    const { text: result, references } = isolated(text);
    for (const line of ['a = 1\n', 'b = 1.0\n', 'd = [ 1, 2 ]\n', 'e = true\n', 'x = "M3jk=="']) {
      assert.ok(result.includes(line), `${line} in\n${result}`);
    }
    assert.match(result, /c = 1979-05-27T07:32:00\.000Z/);
    assert.match(result, /verify_server = "true"/);
    assert.deepEqual(references, ['secret:x']);
  });

  it('says where the server listens', () => {
    assert.equal(isolated('').port, 9443);
    assert.equal(isolated('[server]\noffset = 2').port, 9445);
    assert.equal(isolated('[server]\noffset = "56092"').port, 65_535);
    assert.match(reason('[server]\noffset = "56093"'), /\[server\] offset/);
    assert.match(reason('[server]\noffset = "$env{OFFSET}"'), /\[server\] offset/);
  });

  it('tells keys, never values', () => {
    const { changed } = isolated(DATABASES);
    assert.deepEqual(
      changed.map(({ key }) => key),
      [
        'database.identity_db.hostname',
        'database.identity_db.port',
        'database.shared_db.url',
        'output_adapter.email.hostname',
        'server.hostname',
        'server.internal_hostname',
      ],
    );
    assert.ok(!JSON.stringify(changed).includes('example.com'));
  });

  it('of a template that is not rendered there is none', () => {
    assert.match(reason('[database.identity_db]\nurl = "{{ url }}"'), /is a template that is not rendered yet/);
  });
});

describe('real files', () => {
  // What is refused, and why; any other file is isolated.
  const REFUSED: Readonly<Record<string, RegExp>> = {
    'aws-ecs.toml': /Secrets Manager/,
    'docker-is-5.11.toml': /user_store\.connection_url: users are in a directory/,
    'docs-active-directory.toml': /users are in a directory/,
  };
  for (const file of readdirSync(FIXTURES).filter((name) => name.endsWith('.toml'))) {
    const text = readFileSync(join(FIXTURES, file), 'utf8');
    let declared;
    try {
      declared = parseDeployment(text, file).databases;
    } catch {
      it(`${file} cannot be read, and is refused`, () => {
        assert.throws(() => isolatedConfiguration(text, file, []), DeploymentTomlError);
      });
      continue;
    }
    const endpoints = declared.map(({ datasource, type, databaseName = '' }) => ({
      ...endpoint([]),
      datasources: [{ datasource, type: type === 'unknown' ? 'postgre' : type, databaseName }],
    }));
    const refused = REFUSED[file];
    if (refused !== undefined) {
      it(`${file} is refused`, () => assert.throws(() => isolatedConfiguration(text, file, endpoints), refused));
      continue;
    }
    it(`${file} meets the restored databases alone`, () => {
      const result = isolatedConfiguration(text, file, endpoints);
      const after = parseDeployment(result.text, 'isolated.toml');
      assert.deepEqual(
        after.databases
          .filter(({ embedded }) => !embedded)
          .map(({ datasource, host }) => [datasource, host])
          .sort(),
        declared
          .filter(({ embedded }) => !embedded)
          .map(({ datasource }) => [datasource, HOST])
          .sort(),
      );
      const old = declared
        .flatMap(({ host, hosts = [] }) => [host ?? '', ...hosts])
        .filter((host) => host.includes('.'));
      for (const host of old) assert.ok(!result.text.includes(host), `${host} in\n${result.text}`);
      assert.equal(after.restoreDependencies.clustering, undefined);
      assert.equal(after.restoreDependencies.smtp?.host, 'isolated.invalid');
      assert.equal(after.lookup('server.hostname'), 'localhost');
    });
  }
});
