/** The real commands as processes of their own, bundled as they are published. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const COMMAND = join(__dirname, '../../../../dist/bin/wso2is-recovery.js');

export interface Ended {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Whose environment leads to a server. */
type Server = { readonly env: Readonly<Record<string, string>> };

/** @param uid another user than that of the tests, when these run as root */
export function startCommand(s3: Server, args: readonly string[], uid?: number): Running {
  assert.ok(existsSync(COMMAND), 'npm run build:functions makes the command');
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...s3.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr })),
  );
  return { child, ended };
}

export const command = (s3: Server, ...args: readonly string[]): Promise<Ended> => startCommand(s3, args).ended;
