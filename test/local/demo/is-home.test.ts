import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { requireIsHome } from '../../../local/demo/is-home';

const root = mkdtempSync(join(tmpdir(), 'given-home-'));
after(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function home(deploymentToml: string): string {
  const folder = join(root, String((count += 1)));
  mkdirSync(join(folder, 'repository/conf'), { recursive: true });
  writeFileSync(join(folder, 'repository/conf/deployment.toml'), deploymentToml);
  return folder;
}

const database = (name: string, type: string) =>
  `[database.${name}]\ntype = "${type}"\nhostname = "db.example.com"\nname = "${name}"\n`;

test('PostgreSQL databases are taken', () => {
  const folder = home(database('identity_db', 'postgre') + database('shared_db', 'postgre'));
  assert.equal(requireIsHome(folder), join(folder, 'repository/conf/deployment.toml'));
});

test('MySQL and MariaDB databases are taken where there is a server, and refused with what to install where not', () => {
  for (const type of ['mysql', 'mariadb']) {
    const folder = home(database('identity_db', type) + database('shared_db', type));
    assert.equal(requireIsHome(folder, true), join(folder, 'repository/conf/deployment.toml'));
    assert.throws(
      () => requireIsHome(folder, false),
      new RegExp(
        `deployment\\.toml:1: \\[database\\.identity_db\\] is of type '${type}', whose server is not on this machine .*: ` +
          'apt-get install mariadb-server',
      ),
    );
  }
});

test('engines that have no server here are refused by name, with the line', () => {
  for (const type of ['mssql', 'oracle', 'db2']) {
    const folder = home(database('identity_db', 'postgre') + database('shared_db', type).replace('name =', 'sid ='));
    assert.throws(
      () => requireIsHome(folder, true),
      new RegExp(
        `deployment\\.toml:5: \\[database\\.shared_db\\] is of type '${type}', for which the local AWS has no server`,
      ),
    );
  }
});

test('databases of two engines are refused: one instance holds all of them', () => {
  const folder = home(database('identity_db', 'postgre') + database('shared_db', 'mysql'));
  assert.throws(() => requireIsHome(folder, true), /:5: .* is of type 'mysql', others are of type 'postgre'/);
});

test('a database that is not declared is the embedded H2, and refused', () => {
  const folder = home(database('identity_db', 'postgre'));
  assert.throws(() => requireIsHome(folder), /\[database\.shared_db\] is an embedded H2 database \(it is not declared/);
});

test('what is no <IS_HOME> is refused', () => {
  assert.throws(() => requireIsHome(join(root, 'absent')), /--is-home must be a directory/);
  mkdirSync(join(root, 'empty'));
  assert.throws(() => requireIsHome(join(root, 'empty')), /must hold a folder 'repository'/);
  mkdirSync(join(root, 'bare/repository'), { recursive: true });
  assert.throws(() => requireIsHome(join(root, 'bare')), /deployment\.toml is missing/);
});

test('TOML errors name line and column', () => {
  assert.throws(() => requireIsHome(home('[database\n')), /deployment\.toml:1:\d+: /);
});

test('the command ends with status 2 and says why, without starting anything', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'local/demo/main.ts', ...args], { encoding: 'utf8' });
  const absent = run('--is-home', join(root, 'absent'));
  assert.equal(absent.status, 2);
  assert.match(absent.stderr, /^--is-home must be a directory, got/);
  assert.equal(absent.stdout, '');
  assert.equal(run('--no-such-option').status, 2);
  mkdirSync(join(root, 'taken'));
  writeFileSync(join(root, 'taken/demo.lock'), String(process.pid));
  const taken = run('--out', join(root, 'taken'));
  assert.equal(taken.status, 2);
  assert.match(taken.stderr, /is in use by another demo \(process \d+\): .* with --out/);
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--keep/);
});
