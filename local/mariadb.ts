/** The database server of this machine that stands for RDS instances of MySQL and MariaDB, where there is one. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PROGRAMS = ['mariadbd', 'mariadb-install-db', 'mariadb-binlog', 'mariadb'] as const;
type Program = (typeof PROGRAMS)[number];

/** Servers lie where users have no PATH to, on Debian for one. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** What to do where there is none. */
export const INSTALL_MARIADB = 'apt-get install mariadb-server, or brew install mariadb';

/** Paths of its programs; undefined where one of them is missing. */
export function findMariaDb(
  path = process.env.PATH ?? '',
  serverFolders: readonly string[] = SERVER_FOLDERS,
): Readonly<Record<Program, string>> | undefined {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ''), ...serverFolders];
  const found = PROGRAMS.map((name) => [name, folders.map((folder) => join(folder, name)).find(isExecutable)] as const);
  return found.every(([, file]) => file !== undefined)
    ? (Object.fromEntries(found) as Record<Program, string>)
    : undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
