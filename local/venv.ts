/**
 * The Python environment of the local AWS: made once, used again while its requirements stay the same. Other requirements
 * get another folder, so that nothing changes below a server that is running.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const environments = join(__dirname, '.venv');
const MINIMUM = [3, 10] as const;

/**
 * The `python` of the environment with what `requirements` (a file beside this one; the local AWS's own by default) pins.
 * Safe when several processes start together: one installs, the others wait.
 */
export async function pythonEnvironment(
  log: (line: string) => void,
  { requirements = 'requirements.txt', signal }: { readonly requirements?: string; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const file = join(__dirname, requirements);
  const hash = createHash('sha256').update(await readFile(file));
  const folder = join(environments, hash.digest('hex').slice(0, 12));
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');

  if (existsSync(complete)) return python;
  await mkdir(environments, { recursive: true });
  return withLock(`${folder}.lock`, async () => {
    if (existsSync(complete)) return python;
    await checkPython();
    log('local AWS: making its Python environment (once)');
    await rm(folder, { recursive: true, force: true });
    const venvHint = 'install the venv module of Python (Debian, Ubuntu: python3-venv)';
    await run('python3', ['-m', 'venv', folder], venvHint, signal);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
    await run(python, [...pip, '-r', file], 'the packages must be reachable: see above', signal);
    await writeFile(complete, '');
    return python;
  });
}

async function checkPython(): Promise<void> {
  const need = `the local AWS needs Python ${MINIMUM.join('.')} or later as python3 on the PATH`;
  const version = await output('python3', ['-c', 'import sys; print(*sys.version_info[:2])']).catch(() => {
    throw new Error(`python3 was not found: ${need}`);
  });
  const [major = 0, minor = 0] = version.trim().split(' ').map(Number);
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
    throw new Error(`python3 is ${major}.${minor}: ${need}`);
  }
}

async function run(command: string, args: readonly string[], hint: string, signal?: AbortSignal): Promise<void> {
  await output(command, args, signal).catch((error: Error) => {
    signal?.throwIfAborted();
    throw new Error(`${error.message}\nHINT: ${hint}`);
  });
}

function output(command: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(out)
        : reject(new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${out}${err}`)),
    );
  });
}

/** A file is made by one process only; it holds who that is, so that what a killed one left behind holds up nobody. */
async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await writeFile(file, `${process.pid}`, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(file, 'utf8').catch(() => ''));
      if (owner > 0 && !isRunning(owner)) await rm(file, { force: true });
      else await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    await rm(file);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
