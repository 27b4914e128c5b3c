// The demo as users start and stop it: as a process of its own, by its npm script, with signals. What it started must be
// gone when it has ended, whenever that was.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pythonEnvironment } from '../../../local/venv';

const root = join(__dirname, '..', '..', '..');

interface Demo {
  readonly child: ChildProcess;
  /** Where it keeps its data: everything that it starts names this folder, or is below it. */
  readonly temporary: string;
  output: string;
  /** Exit status as a shell tells it, once all of its output is closed too. */
  readonly ended: Promise<number>;
}

const running: Demo[] = [];

function startDemo(...args: string[]): Demo {
  const temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
  chmodSync(temporary, 0o755);
  const child = spawn('npm', ['run', '--silent', 'demo', '--', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // As a terminal does: what is in the foreground is a group, and Ctrl-C reaches all of it.
    detached: true,
  });
  // The demo stops within a tenth of a second: the second press may reach npm when it no longer listens, and end it as the
  // signal ends any program. For a shell that is the same status.
  const ended = once(child, 'close').then(
    ([status, signal]) => (status as number | null) ?? 128 + constants.signals[signal as NodeJS.Signals],
  );
  const demo: Demo = { child, temporary, output: '', ended };
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (data: Buffer) => (demo.output += data.toString()));
  running.push(demo);
  return demo;
}

async function until(what: string, holds: () => boolean, seconds: number): Promise<void> {
  for (let left = seconds * 10; !holds(); left -= 1) {
    if (left <= 0) assert.fail(`${what}: not after ${seconds} s`);
    await sleep(100);
  }
}

const says = (demo: Demo, text: string) =>
  until(
    `the demo says '${text}'`,
    () => {
      assert.equal(demo.child.exitCode, null, demo.output);
      return demo.output.includes(text);
    },
    400,
  );

/** Processes that the demo started, or that they started. */
function processesOf({ child, temporary }: Demo): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,pgid=,args='], { encoding: 'utf8' });
  const rows = stdout.split('\n').map((line) => {
    const [, pid, parent, group, args] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid, parent, group, args: args ?? '' };
  });
  const found = new Set(rows.filter(({ group, args }) => Number(group) === child.pid || args.includes(temporary)));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const row of rows) if ([...found].some(({ pid }) => pid === row.parent)) found.add(row);
  }
  return [...found].map(({ pid, args }) => `${pid} ${args}`);
}

async function nothingIsLeft(demo: Demo, seen: readonly string[]): Promise<void> {
  // npm ends when the demo does, but the operating system may take a moment to tell.
  const left = () => {
    const now = new Set(processesOf(demo));
    return [...new Set([...now, ...seen.filter((line) => isAlive(line))])];
  };
  await until('the end of all processes', () => left().length === 0, 5).catch(() => assert.deepEqual(left(), []));
  assert.deepEqual(
    readdirSync(demo.temporary).filter((name) => name.startsWith('wso2is-recovery-demo-')),
    [],
  );
}

function isAlive(line: string): boolean {
  const [pid = ''] = line.split(' ');
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', pid], { encoding: 'utf8' });
  return stdout.trim() !== '' && line.includes(stdout.trim());
}

void describe('the demo, interrupted', { timeout: 900_000 }, () => {
  let home: string;

  before(async () => {
    await pythonEnvironment(() => {});
    home = mkdtempSync(join(tmpdir(), 'demo-home-'));
    mkdirSync(join(home, 'repository/conf'), { recursive: true });
    writeFileSync(
      join(home, 'repository/conf/deployment.toml'),
      ['identity_db', 'shared_db']
        .map((name) => `[database.${name}]\ntype = "postgre"\nhostname = "db"\nname = "${name}"\n`)
        .join(''),
    );
  });

  after(() => {
    for (const { child, temporary } of running) {
      // Its number may be another's by now where it has ended.
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
    }
    rmSync(home, { recursive: true, force: true });
  });

  test('Ctrl-C, pressed twice, while cdk deploys: exit status 130, nothing is left', async () => {
    const demo = startDemo();
    await says(demo, 'RecoverySite');
    const seen = processesOf(demo);
    assert.ok(
      seen.some((line) => line.includes('-m server')) && seen.some((line) => line.includes('cdk')),
      seen.join('\n'),
    );
    process.kill(-demo.child.pid!, 'SIGINT');
    await sleep(10);
    try {
      process.kill(-demo.child.pid!, 'SIGINT');
    } catch (error) {
      // It had ended already: there is nobody to hear it.
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
    assert.equal(await demo.ended, 130);
    await nothingIsLeft(demo, seen);
  });

  test('npm alone is told to end while the database and the functions run: nothing is left', async () => {
    const demo = startDemo('--is-home', home);
    await says(demo, 'Files: export');
    const seen = processesOf(demo);
    assert.ok(
      seen.some((line) => line.includes('postgres')),
      seen.join('\n'),
    );
    demo.child.kill('SIGTERM');
    await demo.ended;
    // It did not live on without npm until its own end.
    assert.doesNotMatch(demo.output, /Drill in eu-west-1: /);
    await nothingIsLeft(demo, seen);
  });
});
