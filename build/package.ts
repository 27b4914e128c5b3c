// Makes the packages of npm, PyPI and Maven out of one `npm pack`, in dist/packages. The Java one is left out, with the reason,
// where there is no Maven.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { MAVEN_REPOSITORY, install, mavenIsMissing } from './maven';
import { BESIDE } from './package-versions';

const root = join(__dirname, '..');
const outdir = join(root, 'dist/packages');
// What an earlier version left there is no package of this one.
rmSync(outdir, { recursive: true, force: true });

const missing = mavenIsMissing();
if (missing === undefined) {
  install('software.amazon.awscdk', 'aws-cdk-lib', BESIDE['aws-cdk-lib']);
  install('io.github.cdklabs', 'cdknag', BESIDE['cdk-nag']);
} else console.error(`no Java package: ${missing}`);

const targets = ['js', 'python', ...(missing === undefined ? ['java'] : [])];
const { status } = spawnSync(
  'jsii-pacmak',
  ['--verbose', '--outdir', outdir, '--maven-local-repository', MAVEN_REPOSITORY, '--targets', ...targets],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
