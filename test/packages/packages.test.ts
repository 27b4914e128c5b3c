// The packages of the three languages, as users get them: each example is a project beside nothing of this checkout, which installs
// its package out of dist/packages (`npm run package`) and synthesizes as examples/README.md says. What an app writes in one language
// it writes in all.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MAVEN_REPOSITORY, maven, mavenIsMissing } from '../../build/maven';
import { BESIDE } from '../../build/package-versions';

const root = join(__dirname, '../..');
const packages = join(root, 'dist/packages');
const projects = mkdtempSync(join(tmpdir(), 'packages-'));
after(() => rmSync(projects, { recursive: true, force: true }));

/** One file of dist/packages. */
function built(pattern: string): string {
  const files = globSync(pattern, { cwd: packages });
  assert.equal(
    files.length,
    1,
    `${pattern} in dist/packages: ${files.join(', ') || 'none; make them by npm run package'}`,
  );
  return join(packages, files[0]!);
}

/** Copies an example to where nothing of the checkout is above it. */
function project(folder: string): string {
  const copy = join(projects, folder);
  cpSync(join(root, 'examples', basename(folder)), copy, { recursive: true });
  return copy;
}

/** Returns what it printed. */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** What `cdk synth` tells an app, which writes into the folder `output`. */
function synthesis(output: string): NodeJS.ProcessEnv {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
  return {
    ...process.env,
    CDK_OUTDIR: join(projects, output),
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'aws:cdk:disable-asset-staging': true }),
  };
}

/** What every language has: the example of npm with its stacks, and how its app is called in Python and Java. */
const IN_ALL_LANGUAGES = [
  { npm: 'cdk-app', stacks: ['IdentityServer', 'IdentityServerDr'], python: 'app.py', java: 'IdentityServerApp' },
  {
    npm: 'cdk-imported',
    stacks: ['IdentityServerDr', 'IdentityServerRecovery'],
    python: 'imported.py',
    java: 'ImportedApp',
  },
] as const;

const template = (output: string, stack: string) =>
  JSON.parse(readFileSync(join(projects, output, `${stack}.template.json`), 'utf8')) as {
    readonly Resources: Record<string, { readonly Type: string }>;
  };

function assertSameTemplates(language: string): void {
  for (const { npm, stacks } of IN_ALL_LANGUAGES)
    for (const stack of stacks)
      assert.deepEqual(template(join(language, npm), stack), template(join('npm', npm), stack), `${npm}: ${stack}`);
}

/** The archive of the npm package that a file of another language carries: both a wheel and a jar are ZIP files. */
function carried(file: string): string {
  const script =
    'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n' +
    "sys.stdout.buffer.write(z.read(next(n for n in z.namelist() if n.endswith('.jsii.tgz'))))";
  const { stdout, status } = spawnSync('python3', ['-c', script, file], { maxBuffer: 64 * 1024 ** 2 });
  assert.equal(status, 0, file);
  return createHash('sha256').update(stdout).digest('hex');
}

const npmPackage = () =>
  createHash('sha256')
    .update(readFileSync(built('js/*.tgz')))
    .digest('hex');

/** Of npm alone: the examples that are copied into one project, which has the package installed once. */
const NPM_EXAMPLES = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['java', 'python'].includes(entry.name))
  .map(({ name }) => name);

/** No credentials, and no way to look for any. */
const WITHOUT_ACCOUNT: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
  HOME: projects,
  AWS_EC2_METADATA_DISABLED: 'true',
  CDK_VALIDATION: 'false',
};

describe('packages of one source', () => {
  before(() => {
    writeFileSync(join(projects, 'package.json'), '{ "private": true }');
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly devDependencies: Record<string, string>;
    };
    const pinned = Object.entries({
      ...BESIDE,
      'aws-cdk': devDependencies['aws-cdk']!,
      tsx: devDependencies['tsx']!,
    }).map(([name, version]) => `${name}@${version}`);
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', built('js/*.tgz'), ...pinned], projects);
    for (const { npm } of IN_ALL_LANGUAGES)
      run(join(projects, 'node_modules/.bin/tsx'), ['app.ts'], project(npm), synthesis(join('npm', npm)));
  });

  for (const example of NPM_EXAMPLES)
    test(`npm: a copy of ${example} is synthesized by its cdk.json, and says its plan`, () => {
      const folder = project(join('copies', example));
      // Where the paths in cdk.json lead to, in a project of its own.
      symlinkSync(join(projects, 'node_modules'), join(folder, 'node_modules'));
      for (const args of example === 'cloudformation' ? [[], ['--app', 'npx tsx outside.ts']] : [[]]) {
        const said = run('npx', ['--no', 'cdk', 'synth', '--quiet', '--no-notices', ...args], folder, WITHOUT_ACCOUNT);
        assert.match(said, /recovery plan of \S+: at worst \S+ are lost in the Region and .+ at the DR site/);
        assert.doesNotMatch(said, /to use durability/);
        assert.ok(globSync('cdk.out/*.recovery-plan.txt', { cwd: folder }).length > 0);
      }
    });

  test('TypeScript: the stacks of the example, with what recovery adds', () => {
    const types = (stack: string) =>
      new Set(Object.values(template('npm/cdk-app', stack).Resources).map(({ Type }) => Type));
    for (const type of [
      'AWS::RDS::DBInstance',
      'AWS::EFS::AccessPoint',
      'AWS::Backup::BackupPlan',
      'AWS::Lambda::Function',
    ])
      assert.ok(types('IdentityServer').has(type), type);
    assert.ok(types('IdentityServerDr').has('AWS::Backup::BackupVault'));
  });

  test('Python: the wheel carries the npm package, and its examples write the same templates', () => {
    const wheel = built('python/*.whl');
    assert.equal(carried(wheel), npmPackage());
    const folder = project('python');
    run('python3', ['-m', 'venv', '.venv'], folder);
    const python = join(folder, '.venv/bin/python');
    const constraints = join(folder, 'constraints.txt');
    writeFileSync(
      constraints,
      readFileSync(join(__dirname, 'python-constraints.txt'), 'utf8') +
        Object.entries(BESIDE)
          .map(([name, version]) => `${name}==${version}\n`)
          .join(''),
    );
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-compile'];
    run(
      python,
      [...pip, '-c', constraints, '--find-links', join(packages, 'python'), '-r', 'requirements.txt'],
      folder,
    );
    for (const each of IN_ALL_LANGUAGES) run(python, [each.python], folder, synthesis(`python/${each.npm}`));
    assertSameTemplates('python');
  });

  test('Java: the jar carries the npm package, and its examples write the same templates', (t) => {
    const missing = mavenIsMissing();
    if (missing !== undefined) return t.skip(missing);
    assert.equal(carried(built('java/**/cdk-wso2is-recovery-+([0-9.]).jar')), npmPackage());
    // Maven looks for a version that it has no second time, and ours has been built again.
    rmSync(join(MAVEN_REPOSITORY, 'io/github/cdk-wso2is-recovery'), { recursive: true, force: true });
    const folder = project('java');
    const pom = join(folder, 'pom.xml');
    writeFileSync(pom, readFileSync(pom, 'utf8').replace('  <dependencies>', `${managed()}  <dependencies>`));
    const settings = join(folder, 'settings.xml');
    writeFileSync(settings, mavenSettings());
    for (const { npm, java } of IN_ALL_LANGUAGES) {
      const goals = ['compile', 'exec:java', `-Dexec.mainClass=com.example.${java}`];
      maven(['--settings', settings, ...goals], { cwd: folder, env: synthesis(`java/${npm}`) });
    }
    assertSameTemplates('java');
  });
});

/** The versions that the others have, before those of the package's own POM. */
function managed(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return (
    '<dependencyManagement><dependencies>' +
    dependency('software.amazon.awscdk', 'aws-cdk-lib', BESIDE['aws-cdk-lib']) +
    dependency('software.constructs', 'constructs', BESIDE.constructs) +
    '</dependencies></dependencyManagement>\n'
  );
}

/** Maven Central, and the folder that the package was built into. */
function mavenSettings(): string {
  const url = pathToFileURL(join(packages, 'java')).href;
  return `<settings>
  <localRepository>${MAVEN_REPOSITORY}</localRepository>
  <profiles><profile><id>built</id>
    <repositories><repository><id>built</id><url>${url}</url></repository></repositories>
  </profile></profiles>
  <activeProfiles><activeProfile>built</activeProfile></activeProfiles>
</settings>
`;
}
