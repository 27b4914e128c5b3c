import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { LocalAws } from '../../local/local-aws';

const COMMAND = join(__dirname, '../../dist/bin/wso2is-recovery.js');

/** The command as it is shipped, given what a person has: credentials and, in the environment, a Region. */
export async function runCommand(aws: LocalAws, region: string, ...args: string[]) {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { ...aws.env, AWS_REGION: region, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

/** What it prints with `--json`, when it ended with the status that is expected. */
export async function runForJson<T>(aws: LocalAws, region: string, expected: number, ...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await runCommand(aws, region, ...args, '--json');
  assert.equal(status, expected, stdout + stderr);
  return JSON.parse(stdout) as T;
}
