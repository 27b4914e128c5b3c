/** Programs that the benchmark uses: on the PATH, or built into its cache. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** What a program says its version is (the first line), or undefined when it is not on the PATH. */
export function versionOf(program: string, ...flags: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, flags, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0]!.trim() : undefined;
}

export const hasGo = (): boolean => versionOf('go', 'version') !== undefined;

/** Builds a Go program of a pinned version; go.sum's checksum database guards what is downloaded. */
export async function goInstall(path: string, version: string, target: string): Promise<void> {
  if (existsSync(target)) return;
  await inScratch(target, async (folder) => {
    await go(['install', `${path}@${version}`], folder, { GOBIN: folder });
    return join(folder, basename(path));
  });
}

/** Builds the Go module in `source`, with the versions of its go.sum. */
export async function goBuild(source: string, target: string): Promise<void> {
  await inScratch(target, async (folder) => {
    const built = join(folder, 'built');
    await go(['build', '-trimpath', '-o', built, '.'], source, {});
    return built;
  });
}

/** A half-built program never looks finished. */
async function inScratch(target: string, build: (folder: string) => Promise<string>): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), '.build-'));
  try {
    renameSync(await build(folder), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function go(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd,
      env: { ...process.env, TMPDIR: tmpdir(), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    child.once('error', () => reject(new Error('Go is not on the PATH: install it, or choose --server ministack')));
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`go ${args.join(' ')}: exit status ${code}: ${said}`)),
    );
  });
}
