import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { coverage, type DeclaredLike, type OfferedLike } from '../../../lib/databases/coverage';

const declared = (datasource: string, changed: Partial<DeclaredLike> = {}): DeclaredLike => ({
  section: `database.${datasource}`,
  datasource,
  type: 'postgre',
  host: 'pg.example.com',
  port: 5432,
  databaseName: datasource,
  line: 7,
  embedded: false,
  ...changed,
});
const identity = declared('identity_db');
const shared = declared('shared_db');

const resource = (name: string, datasources: string[], hostnames: string[] = []): OfferedLike => ({
  name,
  datasources,
  hostnames,
});

/** By resource, the names of what it holds. */
const held = (found: ReturnType<typeof coverage>) =>
  Object.fromEntries(
    [...found.datasources].map(([name, entries]) => [name, entries.map(({ datasource }) => datasource)]),
  );

function assertHeld(databases: DeclaredLike[], offered: OfferedLike[], expected: Record<string, string[]>): void {
  const found = coverage(databases, offered);
  assert.deepEqual(found.problems, []);
  assert.deepEqual(held(found), expected);
}

describe('a database is on the resource', () => {
  test('that names it', () => {
    const found = coverage([identity, shared], [resource('one', ['identity_db', 'shared_db'])]);
    assert.deepEqual(found, {
      problems: [],
      warnings: [],
      datasources: new Map([
        [
          'one',
          [
            { datasource: 'identity_db', type: 'postgre', databaseName: 'identity_db' },
            { datasource: 'shared_db', type: 'postgre', databaseName: 'shared_db' },
          ],
        ],
      ]),
    });
  });

  test('that names it as the product does', () => {
    const databases = [identity, shared, declared('user'), declared('WSO2CONSENT_DB')];
    const names = ['WSO2_IDENTITY_DB', 'jdbc/SHARED_DB', 'WSO2USER_DB', 'jdbc/WSO2CONSENT_DB'];
    assertHeld(databases, [resource('one', names)], {
      one: ['identity_db', 'shared_db', 'user', 'WSO2CONSENT_DB'],
    });
  });

  test('whose endpoint is its host', () => {
    assertHeld([identity, shared], [resource('one', [], ['pg.example.com'])], { one: ['identity_db', 'shared_db'] });
  });

  test('whose endpoint is its host in other letters, or with the dot of the root', () => {
    const databases = [
      declared('identity_db', { host: 'PG.Example.COM' }),
      declared('shared_db', { host: 'pg.example.com.' }),
    ];
    assertHeld(databases, [resource('one', [], ['pg.EXAMPLE.com'])], { one: ['identity_db', 'shared_db'] });
  });

  test('that has a CNAME among its host names', () => {
    const database = declared('identity_db', { host: 'db.internal.example.com' });
    const endpoint = 'pg.cabc.eu-west-1.rds.amazonaws.com';
    assertHeld([database], [resource('one', [], [endpoint, 'db.internal.example.com'])], { one: ['identity_db'] });
  });

  test('whose endpoint is a token, where the token is its host', () => {
    const token = '${Token[Db.Endpoint.Address.12]}';
    const other = '${Token[Other.Endpoint.Address.13]}';
    assertHeld(
      [declared('identity_db', { host: token }), declared('shared_db', { host: other })],
      [resource('one', [], [token]), resource('two', [], [other])],
      { one: ['identity_db'], two: ['shared_db'] },
    );
  });

  test('that names it, whatever another has as host; by host only where nobody names it', () => {
    assertHeld(
      [identity, declared('shared_db', { host: 'other.example.com' })],
      [resource('named', ['identity_db']), resource('hosting', [], ['other.example.com'])],
      { named: ['identity_db'], hosting: ['shared_db'] },
    );
  });

  test('all of them, where several name it', () => {
    assertHeld([identity], [resource('one', ['identity_db']), resource('two', ['identity_db'])], {
      one: ['identity_db'],
      two: ['identity_db'],
    });
  });

  test('all of them, where its URL has several hosts', () => {
    const database = declared('identity_db', { host: 'a.example.com', hosts: ['a.example.com', 'b.example.com'] });
    assertHeld([database], [resource('one', [], ['a.example.com']), resource('two', [], ['b.example.com'])], {
      one: ['identity_db'],
      two: ['identity_db'],
    });
  });

  test('of the same database under another name', () => {
    const consent = declared('WSO2ConsentDS', { databaseName: 'identity_db' });
    assertHeld([consent, identity], [resource('one', ['identity_db'])], { one: ['WSO2ConsentDS', 'identity_db'] });
    const atRunTime = { host: '$env{DB_HOST}', port: undefined, databaseName: 'iam' };
    assertHeld(
      [declared('identity_db', atRunTime), declared('shared_db', atRunTime)],
      [resource('one', ['shared_db'])],
      {
        one: ['identity_db', 'shared_db'],
      },
    );
  });
});

describe('what is a problem', () => {
  const problems = (databases: DeclaredLike[], offered: OfferedLike[]) => coverage(databases, offered).problems;

  test('a database that nothing holds, with what was offered', () => {
    assert.deepEqual(
      problems(
        [identity, declared('shared_db', { host: 'other.example.com' })],
        [resource('one', ['identity_db'], ['pg.example.com']), resource('two', [], ['${Token[Db.12]}'])],
      ),
      [
        "`databases` must cover every database of deployment.toml, got none for 'shared_db' (database.shared_db, line 7, on " +
          'other.example.com); offered: one (identity_db, pg.example.com), two (no `datasources`, and a host name that is ' +
          "known only when it is deployed): add 'shared_db' to the `datasources` of the RDS resource that holds it, or its " +
          'host to the `hostnames`',
      ],
    );
  });

  test('a database that nothing holds, without offers and without a host', () => {
    assert.deepEqual(problems([declared('user', { host: undefined, port: undefined })], []), [
      "`databases` must cover every database of deployment.toml, got none for 'user' (database.user, line 7); offered: " +
        "nothing: add 'user' to the `datasources` of the RDS resource that holds it",
    ]);
  });

  test('the same name on another server, port or database is another database', () => {
    for (const changed of [{ host: 'x.example.com' }, { port: 5433 }, { databaseName: 'x' }]) {
      const other = declared('consent', { databaseName: 'identity_db', ...changed });
      assert.match(problems([identity, other], [resource('one', ['identity_db'])]).join(), /got none for 'consent'/);
    }
    const same = declared('consent', { databaseName: 'identity_db' });
    assert.deepEqual(problems([identity, same], [resource('one', ['identity_db'])]), []);
  });

  test('one host name of two resources', () => {
    assert.deepEqual(
      problems([identity], [resource('one', [], ['pg.example.com']), resource('two', [], ['PG.example.com'])]),
      [
        "the resource of 'identity_db' (database.identity_db, line 7, on pg.example.com) must be one, got one and two, which " +
          "all have the host name: name 'identity_db' in the `datasources` of the one that holds it",
      ],
    );
    assert.deepEqual(
      problems(
        [identity],
        [resource('one', ['identity_db'], ['pg.example.com']), resource('two', [], ['pg.example.com'])],
      ),
      [],
    );
  });

  test('a name that contradicts the host', () => {
    assert.deepEqual(
      problems([identity], [resource('one', ['identity_db']), resource('two', [], ['pg.example.com'])]),
      [
        "`datasources` of one must name what it holds, got 'identity_db' (database.identity_db, line 7, on pg.example.com), " +
          'whose host is an endpoint of two: name it there, or nowhere',
      ],
    );
  });

  test('one database that is said to be on two resources', () => {
    const consent = declared('consent', { databaseName: 'identity_db' });
    assert.deepEqual(problems([identity, consent], [resource('one', ['identity_db']), resource('two', ['consent'])]), [
      "'identity_db' (database.identity_db, line 7, on pg.example.com) and 'consent' are the same database and must be on " +
        'one resource, got one and two: name both in the `datasources` of the one that holds it',
    ]);
  });

  test('H2, embedded or not', () => {
    const embedded = declared('identity_db', { type: 'h2', host: undefined, port: undefined, embedded: true });
    assert.deepEqual(problems([embedded], [resource('one', ['identity_db'])]), [
      "deployment.toml must keep 'identity_db' on a database server, got embedded H2 (database.identity_db, line 7): no RDS " +
        'resource holds it, and AWS Backup cannot see it; move it to RDS',
    ]);
    assert.match(
      problems([declared('identity_db', { type: 'h2' })], [resource('one', ['identity_db'])]).join(),
      /got an H2 server \(database\.identity_db, line 7, on pg\.example\.com\)/,
    );
  });

  test('a type or a name that only run time knows', () => {
    const url = '$env{DB_URL}';
    const unknown = declared('identity_db', { type: 'unknown', url, host: undefined, databaseName: undefined });
    assert.deepEqual(problems([unknown], [resource('one', ['identity_db'])]), [
      "the type of database 'identity_db' (database.identity_db, line 7) must be known, got $env{DB_URL}: without it no drill " +
        "can connect to it; give `resolve: { 'env:DB_URL': ... }` to DeploymentToml",
    ]);
    const token = declared('identity_db', { databaseName: '${Token[Db.Name.12]}' });
    assert.deepEqual(problems([token], [resource('one', ['identity_db'])]), []);
    const named = declared('identity_db', { databaseName: '$sys{db.name}' });
    assert.deepEqual(problems([named], [resource('one', ['identity_db'])]), [
      "the name of database 'identity_db' (database.identity_db, line 7, on pg.example.com) must be known, got $sys{db.name}: " +
        "without it no drill can connect to it; give `resolve: { 'sys:db.name': ... }` to DeploymentToml",
    ]);
    assert.deepEqual(
      problems([declared('identity_db', { databaseName: undefined })], [resource('one', ['identity_db'])]),
      [
        "the name of database 'identity_db' (database.identity_db, line 7, on pg.example.com) must be known, got none: without " +
          'it no drill can connect to it; write `name`, or a `url` that holds it',
      ],
    );
  });
});

describe('what is warned of', () => {
  const warnings = (databases: DeclaredLike[], offered: OfferedLike[]) => coverage(databases, offered).warnings;

  test('a resource that covers nothing', () => {
    assert.deepEqual(
      warnings(
        [identity],
        [resource('one', ['identity_db']), resource('two', ['metrics']), resource('three', [], ['x'])],
      ),
      [
        'two covers no database of deployment.toml (it declares identity_db)',
        'three covers no database of deployment.toml (it declares identity_db)',
      ],
    );
  });

  test('a name that is not declared', () => {
    assert.deepEqual(warnings([identity], [resource('one', ['identity_db', 'metrics'])]), [
      'one names metrics, which deployment.toml does not declare',
    ]);
  });

  test('the local registry, which the product runs as H2', () => {
    const registry = declared('registry_db', { type: 'h2', host: undefined, embedded: true });
    const found = coverage([identity, registry], [resource('one', ['identity_db'])]);
    assert.deepEqual(found.problems, []);
    assert.deepEqual(found.warnings, [
      "'registry_db' (database.registry_db, line 7) is the local registry of each node, an embedded H2: it is not backed up",
    ]);
    const server = declared('registry_db', { type: 'h2', host: 'h2.example.com', embedded: false });
    assert.match(coverage([identity, server], [resource('one', ['identity_db'])]).problems[0], /got an H2 server/);
  });
});

test('any databases and resources: without a problem each is held, and by nobody who has nothing to do with it', () => {
  const name = fc.constantFrom('identity_db', 'shared_db', 'user', 'consent');
  const host = fc.constantFrom('a', 'b', 'c');
  const databases = fc.uniqueArray(fc.record({ datasource: name, host, databaseName: fc.constantFrom('x', 'y') }), {
    selector: ({ datasource }) => datasource,
  });
  const offers = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('one', 'two'),
      datasources: fc.uniqueArray(name),
      hostnames: fc.uniqueArray(host),
    }),
    { selector: (offer) => offer.name },
  );
  fc.assert(
    fc.property(databases, offers, (chosen, offered) => {
      const all = chosen.map(({ datasource, ...rest }) => declared(datasource, rest));
      const found = coverage(all, offered);
      const holders = (datasource: string) =>
        offered.filter((offer) => found.datasources.get(offer.name)?.some((entry) => entry.datasource === datasource));
      for (const database of all) {
        const twins = all.filter(
          (other) => other.host === database.host && other.databaseName === database.databaseName,
        );
        const related = (offer: OfferedLike) =>
          twins.some((twin) => offer.datasources.includes(twin.datasource) || offer.hostnames.includes(twin.host!));
        assert.ok(holders(database.datasource).every(related));
        if (found.problems.length === 0) assert.ok(holders(database.datasource).length > 0);
        if (!offered.some(related)) assert.notDeepEqual(found.problems, []);
      }
    }),
    { numRuns: 1000 },
  );
});
