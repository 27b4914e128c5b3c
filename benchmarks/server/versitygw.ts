/** versitygw: an S3 server over a folder, written in Go, that keeps to the protocol (checksums, conditional writes). */
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { goInstall } from '../tools';
import { type ObjectServer, REGION } from './server';

const VERSION = '1.8.0';
const credentials = { accessKeyId: 'benchmark', secretAccessKey: 'benchmark-secret' };

const binary = (cache: string) => join(cache, 'bin', `versitygw-${VERSION}`);
export const isInstalled = (cache: string): boolean => existsSync(binary(cache));

/** Takes Go, and some minutes, the first time. */
export const install = (cache: string): Promise<void> =>
  goInstall('github.com/versity/versitygw/cmd/versitygw', `v${VERSION}`, binary(cache));

export async function startVersitygw(cache: string, dataDir: string): Promise<ObjectServer> {
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(
    binary(cache),
    // S3 keeps connections open too.
    ['--port', `127.0.0.1:${port}`, '--region', REGION, '--quiet', '--keep-alive', 'posix', dataDir],
    {
      env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const client = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true });
  await answering(client, () => {
    if (child.exitCode !== null) throw new Error(`versitygw did not start: ${said}`);
  });
  return {
    name: `versitygw ${VERSION}`,
    endpoint,
    credentials,
    client,
    discard: async (bucket) => rmSync(join(dataDir, bucket), { recursive: true, force: true }),
    stop: async () => {
      client.destroy();
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL'); // Nothing of it is kept.
        await ended;
      }
    },
  };
}

async function answering(client: S3Client, check: () => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await client.send(new ListBucketsCommand({}));
      return;
    } catch (error) {
      check();
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
