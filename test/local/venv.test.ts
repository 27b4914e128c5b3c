import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pythonEnvironment } from '../../local/venv';

const root = join(__dirname, '..', '..');

/** Asks for an environment of requirements that nobody has yet, with this as the only python3. */
async function withPython(script: string | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'venv-test-'));
  try {
    if (script !== undefined) {
      await writeFile(join(folder, 'python3'), `#!/bin/sh\n${script}\n`);
      await chmod(join(folder, 'python3'), 0o755);
    }
    const code = `require(${JSON.stringify(join(root, 'local/venv.ts'))})
      .pythonEnvironment(() => {}, { requirements: ${JSON.stringify(join('..', 'LICENSE'))} })
      .then(() => console.log('made'), (error) => console.log(error.message));`;
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '-e', code], {
      cwd: root,
      env: { PATH: folder },
      encoding: 'utf8',
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('without Python the message says which is needed', async () => {
  assert.equal(
    await withPython(undefined),
    'python3 was not found: the local AWS needs Python 3.10 or later as python3 on the PATH\n',
  );
});

test('a Python that is too old is named', async () => {
  assert.equal(
    await withPython('echo 3 9'),
    'python3 is 3.9: the local AWS needs Python 3.10 or later as python3 on the PATH\n',
  );
});

test('a Python without its venv module says what to install', async () => {
  const message = await withPython('case "$1" in -c) echo 3 10;; *) echo "No module named venv" >&2; exit 1;; esac');
  assert.match(message, /No module named venv/);
  assert.match(message, /HINT: install the venv module of Python \(Debian, Ubuntu: python3-venv\)/);
});

test('those who ask together get the same environment', async () => {
  const [one, two] = await Promise.all([pythonEnvironment(() => {}), pythonEnvironment(() => {})]);
  assert.equal(one, two);
  const { stdout } = spawnSync(one, ['-c', 'import ministack.app; print("there")'], { encoding: 'utf8' });
  assert.match(stdout, /there/);
});
