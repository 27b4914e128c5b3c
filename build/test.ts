// Runs every test with node's own runner. Files run one after another where they start servers: the machines that this
// runs on are small, and a local AWS per file is heavy.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const wanted = process.argv.slice(2);
const files = (wanted.length > 0 ? wanted : globSync('test/**/*.test.ts', { cwd: root })).sort();
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-concurrency=2', '--test-reporter=spec', ...files],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
