/** Looks at the `<IS_HOME>` that somebody gives to the demo, before anything is started. It is only ever read. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DeploymentTomlError, parseDeployment } from '../../lib/deployment/parse';
import { findMariaDb, INSTALL_MARIADB } from '../mariadb';
import { isServerType, SERVER_TYPES } from '../sample/sql-client';
import { InputError } from './input-error';

/**
 * @param hasMariaDb whether databases of MySQL and MariaDB can be made. Default: what is on this machine.
 * @throws InputError if the demo cannot live with it; returns the path of its `deployment.toml`.
 */
export function requireIsHome(directory: string, hasMariaDb = findMariaDb() !== undefined): string {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new InputError(`--is-home must be a directory, got '${directory}': give the <IS_HOME> of an Identity Server`);
  }
  const repository = join(directory, 'repository');
  if (!existsSync(repository) || !statSync(repository).isDirectory()) {
    throw new InputError(
      `--is-home must hold a folder 'repository', got '${directory}' without one: give <IS_HOME>, not a folder in it`,
    );
  }
  const file = join(repository, 'conf', 'deployment.toml');
  if (!existsSync(file)) {
    throw new InputError(`${file} is missing: the demo takes the databases from it`);
  }
  requireServer(file, hasMariaDb);
  return file;
}

/** One instance holds all of them, so that they must be of one engine, whose server is on this machine. */
function requireServer(file: string, hasMariaDb: boolean): void {
  const { databases } = parsed(file);
  const first = databases.find(({ embedded }) => !embedded);
  for (const { section, line, type, embedded, databaseName } of databases) {
    const where = `${file}${line === undefined ? '' : `:${line}`}: [${section}]`;
    if (embedded) {
      throw new InputError(
        `${where} is an embedded H2 database${line === undefined ? ' (it is not declared, so the product uses its default)' : ''}: ` +
          'its files lie under repository/database and no database server holds it; declare it with type = "postgre"',
      );
    }
    if (!isServerType(type)) {
      throw new InputError(
        `${where} is of type '${type}', for which the local AWS has no server: give a configuration whose databases are of ` +
          `type ${SERVER_TYPES.join(', ')}; a deployment on ${type} is protected by [existing] of bin/sample/existing.toml`,
      );
    }
    if (type !== 'postgre' && !hasMariaDb) {
      throw new InputError(
        `${where} is of type '${type}', whose server is not on this machine (mariadbd, which stands for MySQL too, and ` +
          `its tools on the PATH): ${INSTALL_MARIADB}`,
      );
    }
    if (type !== first?.type) {
      throw new InputError(
        `${where} is of type '${type}', others are of type '${first?.type}': the demo makes one instance for all of them; ` +
          'give a configuration with one type',
      );
    }
    if (databaseName === undefined) {
      throw new InputError(`${where} names no database that could be made: write its \`name\`, or a \`url\` with one`);
    }
  }
}

function parsed(file: string) {
  try {
    return parseDeployment(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof DeploymentTomlError) throw new InputError(error.message);
    throw error;
  }
}
