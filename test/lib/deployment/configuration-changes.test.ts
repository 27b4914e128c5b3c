import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configurationChanges } from '../../../lib/deployment/configuration-changes';
import { parseDeployment } from '../../../lib/deployment/parse';

const NEW = 'recovery-1.abc.eu-central-1.rds.amazonaws.com';

/** The changes for `identity_db`, whose body in the file is `lines`, at the new host and the given port. */
function changes(lines: string, port = 5432, type = 'postgre') {
  const text = `[database.identity_db]\n${lines}\n`;
  return configurationChanges(
    [{ datasources: [{ datasource: 'identity_db', type, databaseName: 'identity' }], host: NEW, port }],
    parseDeployment(text, 'deployment.toml').databases,
  );
}

const url = (text: string, port?: number, type?: string) => changes(`url = '${text}'`, port, type)[0]?.to;

describe('configurationChanges', () => {
  it('changes the host name, and the port only where it differs', () => {
    const body = 'type = "postgre"\nhostname = "old.example"\nname = "identity"\nusername = "u"\npassword = "p"';
    const place = { datasource: 'identity_db', section: 'database.identity_db', line: 1 };
    assert.deepEqual(changes(body), [{ ...place, key: 'hostname', from: 'old.example', to: NEW }]);
    assert.deepEqual(changes(body, 5433), [
      { ...place, key: 'hostname', from: 'old.example', to: NEW },
      { ...place, key: 'port', from: '5432', to: '5433' },
    ]);
  });

  it('keeps a reference in `from`, so that a person sees which variable to set', () => {
    const [change] = changes('type = "postgre"\nhostname = "$env{DB_HOST}"\nname = "identity"');
    assert.equal(change?.from, '$env{DB_HOST}');
    assert.equal(change?.to, NEW);
  });

  it('says nothing of a database that is there already, nor of an embedded one', () => {
    assert.deepEqual(changes(`type = "postgre"\nhostname = "${NEW}"\nname = "identity"`), []);
    assert.deepEqual(changes(`url = "jdbc:postgresql://${NEW}:5432/identity?ssl=true"`), []);
    assert.deepEqual(
      configurationChanges(
        [{ datasources: [{ datasource: 'shared_db', type: 'h2', databaseName: '' }], host: NEW, port: 1 }],
        parseDeployment('[database.shared_db]\ntype = "h2"\n', 'deployment.toml').databases,
      ),
      [],
    );
  });

  for (const [from, to, port, type] of [
    [
      'jdbc:postgresql://old:5432/identity?ssl=true',
      `jdbc:postgresql://${NEW}:5432/identity?ssl=true`,
      5432,
      'postgre',
    ],
    ['jdbc:postgresql://old/identity', `jdbc:postgresql://${NEW}/identity`, 5432, 'postgre'],
    ['jdbc:postgresql://old/identity', `jdbc:postgresql://${NEW}:5433/identity`, 5433, 'postgre'],
    ['jdbc:postgresql://a:5432,b:5432/identity', `jdbc:postgresql://${NEW}:5432/identity`, 5432, 'postgre'],
    [
      'jdbc:mysql://old:3306/identity?useSSL=true&amp;x=old',
      `jdbc:mysql://${NEW}:3306/identity?useSSL=true&amp;x=old`,
      3306,
      'mysql',
    ],
    ['jdbc:mariadb://old:3306/old', `jdbc:mariadb://${NEW}:3306/old`, 3306, 'mariadb'],
    [
      String.raw`jdbc:sqlserver://old\INST:1433;databaseName=identity;SendStringParametersAsUnicode=false`,
      `jdbc:sqlserver://${NEW}:1433;databaseName=identity;SendStringParametersAsUnicode=false`,
      1433,
      'mssql',
    ],
    ['jdbc:oracle:thin:@old:1521:orcl', `jdbc:oracle:thin:@${NEW}:1521:orcl`, 1521, 'oracle'],
    ['jdbc:oracle:thin:@//old:1521/orcl', `jdbc:oracle:thin:@//${NEW}:1521/orcl`, 1521, 'oracle'],
    [
      'jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=a)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=orcl)))',
      `jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=${NEW})(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=orcl)))`,
      1522,
      'oracle',
    ],
    [
      'jdbc:db2://old:50000/identity:sslConnection=true;',
      `jdbc:db2://${NEW}:50000/identity:sslConnection=true;`,
      50_000,
      'db2',
    ],
    // What only a running server knows cannot be changed in part.
    ['$env{JDBC_URL}', `jdbc:postgresql://${NEW}:5432/identity`, 5432, 'postgre'],
    ['jdbc:postgresql://$env{HOST}:5432/identity', `jdbc:postgresql://${NEW}:5432/identity`, 5432, 'postgre'],
  ] as const) {
    it(`of ${from} makes ${to}`, () => assert.equal(url(from, port, type), to));
  }

  it('never shows a password of a URL, and never takes it for changed', () => {
    for (const secret of [
      'jdbc:postgresql://old/identity?user=u&password=s3cret',
      'jdbc:mysql://u:s3cret@old:3306/identity',
      'jdbc:oracle:thin:u/s3cret@old:1521:orcl',
      'jdbc:sqlserver://old:1433;databaseName=identity;password=s3cret;encrypt=true',
    ]) {
      const shown = JSON.stringify(changes(`url = '${secret}'`, 9999));
      assert.ok(!shown.includes('s3cret'), shown);
      assert.ok(shown.includes(NEW) && shown.includes('***'), shown);
    }
  });

  it('without the file says what the sections of the product would need', () => {
    const datasources = [{ datasource: 'identity_db', type: 'postgre', databaseName: 'identity' }];
    assert.deepEqual(configurationChanges([{ datasources, host: NEW, port: 5432 }]), [
      { datasource: 'identity_db', section: 'database.identity_db', key: 'hostname', to: NEW },
      { datasource: 'identity_db', section: 'database.identity_db', key: 'port', to: '5432' },
    ]);
  });
});
