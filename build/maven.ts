// Maven, with a repository of its own: what is put into it below is found by no other build of this machine.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Outside the checkout, since aws-cdk-lib alone is 117 MB. */
export const MAVEN_REPOSITORY = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'cdk-wso2is-recovery',
  'maven',
);

/** Why no Java package can be made here, or nothing. */
export function mavenIsMissing(): string | undefined {
  for (const command of ['mvn', 'javac'])
    if (spawnSync(command, ['-version']).status !== 0)
      return `${command} was not found: install Maven and a JDK of 17 or later (Debian, Ubuntu: maven)`;
  return undefined;
}

/** @throws Error with Maven's own words */
export function maven(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  const { status, stdout, stderr } = spawnSync('mvn', ['--batch-mode', '--quiet', ...args], {
    encoding: 'utf8',
    ...options,
  });
  if (status !== 0) throw new Error(`mvn ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}

/**
 * Puts one version of a library into the repository, as if it had been built here. A range (`[2.264.0,3.0.0)` in what jsii-pacmak
 * writes) is resolved by the list of versions alone, and that of a mirror may end before the files that it serves.
 */
export function install(group: string, artifact: string, version: string): void {
  const folder = join(MAVEN_REPOSITORY, ...group.split('.'), artifact);
  const list = join(folder, 'maven-metadata-local.xml');
  if (existsSync(list) && readFileSync(list, 'utf8').includes(`<version>${version}</version>`)) return;
  const repository = `-Dmaven.repo.local=${MAVEN_REPOSITORY}`;
  maven([
    repository,
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get',
    `-Dartifact=${group}:${artifact}:${version}`,
    '-Dtransitive=false',
  ]);
  // Installing a file onto itself would empty it.
  const copies = join(MAVEN_REPOSITORY, '..', 'copies');
  mkdirSync(copies, { recursive: true });
  for (const type of ['jar', 'pom'])
    copyFileSync(join(folder, version, `${artifact}-${version}.${type}`), join(copies, `${artifact}.${type}`));
  maven([
    repository,
    'org.apache.maven.plugins:maven-install-plugin:3.1.3:install-file',
    `-Dfile=${join(copies, `${artifact}.jar`)}`,
    `-DpomFile=${join(copies, `${artifact}.pom`)}`,
  ]);
  rmSync(copies, { recursive: true });
}
