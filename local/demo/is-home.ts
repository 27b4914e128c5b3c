/** Looks at the `<IS_HOME>` that somebody gives to the demo, before anything is started. It is only ever read. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DeploymentTomlError, parseDeployment } from '../../lib/deployment/parse';

/** The input is at fault; the message says what to change. Exit status 2. */
export class InputError extends Error {
  public override readonly name = 'InputError';
}

/** @throws InputError if the demo cannot live with it; returns the path of its `deployment.toml`. */
export function requireIsHome(directory: string): string {
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
  requirePostgres(file);
  return file;
}

function requirePostgres(file: string): void {
  const { databases } = parsed(file);
  for (const { section, line, type, embedded, databaseName } of databases) {
    const where = `${file}${line === undefined ? '' : `:${line}`}: [${section}]`;
    if (embedded) {
      throw new InputError(
        `${where} is an embedded H2 database${line === undefined ? ' (it is not declared, so the product uses its default)' : ''}: ` +
          'its files lie under repository/database and no database server holds it; declare it with type = "postgre"',
      );
    }
    if (type !== 'postgre') {
      throw new InputError(
        `${where} is of type '${type}': the local AWS has PostgreSQL servers only; give a configuration with type = "postgre"`,
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
