import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandFailed, endRunning, execute } from '../../benchmarks/measure/execute';

const node = (script: string, env: Record<string, string> = {}) => ({
  program: process.execPath,
  arguments: ['--eval', script],
  env,
});

test('measures the time, the processor and the memory of a command, and keeps what it printed', async () => {
  const script = `
    const held = Buffer.alloc(150e6, 1);
    const until = performance.now() + 400;
    while (performance.now() < until);
    console.log('printed', held.length);`;
  const { seconds, cpuSeconds, peakBytes, stdout } = await execute(node(script));
  assert.equal(stdout, 'printed 150000000\n');
  assert.ok(seconds >= 0.4, `${seconds} s`);
  assert.ok(cpuSeconds > 0 && cpuSeconds <= seconds * 4, `${cpuSeconds} s of the processor in ${seconds} s`);
  if (process.platform === 'linux') assert.ok(peakBytes > 150e6 && peakBytes < 400e6, `${peakBytes} bytes`);
});

test('counts what a command starts', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
  const child = `const held = Buffer.alloc(150e6, 1); setTimeout(() => held.length, 300)`;
  const script = `require('node:child_process').spawnSync(process.execPath, ['--eval', ${JSON.stringify(child)}])`;
  const { peakBytes } = await execute(node(script));
  assert.ok(peakBytes > 150e6, `${peakBytes} bytes`);
});

test('nothing of the environment decides but what is given', async () => {
  process.env['RESTIC_REPOSITORY'] = 'of the user';
  try {
    const { stdout } = await execute(
      node('console.log(process.env.RESTIC_REPOSITORY, process.env.GIVEN)', { GIVEN: 'yes' }),
    );
    assert.equal(stdout, 'undefined yes\n');
  } finally {
    delete process.env['RESTIC_REPOSITORY'];
  }
});

test('a command that fails is no measurement: its status and what it said are told', async () => {
  await assert.rejects(
    execute(node(`console.error('no such bucket'); process.exitCode = 3`)),
    (error: unknown) => error instanceof CommandFailed && /exit status 3: no such bucket$/.test(error.message),
  );
});

test('a program that is not there is no measurement', async () => {
  await assert.rejects(execute({ program: 'no-such-program', arguments: [] }), CommandFailed);
});

test('what is running can be ended, with all that it started', async () => {
  const started = execute({ program: 'bash', arguments: ['-c', 'sleep 60 & wait'] });
  const ended = assert.rejects(started, CommandFailed);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await endRunning();
  await ended;
});
