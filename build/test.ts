// Runs every test with node's own runner, a file more at a time than there are processors: many wait for servers.
// Those of test/packages and test/deployments have scripts of their own (`npm run test:packages`, `npm run test:deployments`): they
// take minutes.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** What takes longest, first: so that the end does not wait for one of them alone. */
const FIRST = [
  'test/life/life.test.ts',
  'test/local/demo/interrupt.test.ts',
  'test/life/replicated-automated-backups.test.ts',
  'test/bin/sample.test.ts',
  'test/life/existing.test.ts',
  'test/life/fail-back.test.ts',
  'test/local/backup.test.ts',
  'test/bin/archive-commands.test.ts',
  'test/local/automated-backups.test.ts',
];

const root = join(__dirname, '..');
const wanted = process.argv.slice(2).map((file) => relative(root, file));
const SEPARATE = ['test/packages/**', 'test/deployments/**'];
const files = (wanted.length > 0 ? wanted : globSync('test/**/*.test.ts', { cwd: root, exclude: SEPARATE })).sort();
const place = (file: string) => (FIRST.includes(file) ? FIRST.indexOf(file) : FIRST.length);

// The CDK's own checks of templates are most of the time of a synth; where they are tested they are turned on.
process.env.CDK_VALIDATION ??= 'false';

const tests = run({
  cwd: root,
  files: files.sort((a, b) => place(a) - place(b)).map((file) => join(root, file)),
  execArgv: ['--import', 'tsx'],
  concurrency: availableParallelism() + 1,
});
tests.on('test:fail', () => (process.exitCode = 1));
tests.compose(spec).pipe(process.stdout);
