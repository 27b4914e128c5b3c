// A MariaDB server of its own for a test: Debian's, in a temporary directory, on a free port of the loopback interface.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { md, pki } from 'node-forge';
import { findMariaDb, INSTALL_MARIADB } from '../../../local/mariadb';

/** Why there can be none here; false where there can. */
export const noMariaDb = findMariaDb() ? false : `no MariaDB server on this machine: ${INSTALL_MARIADB}`;

export interface MariaDb {
  readonly port: number;
  sql(statement: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startMariaDb(options: { readonly tls: boolean }): Promise<MariaDb> {
  const folder = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const data = join(folder, 'data');
  const user = `--user=${userInfo().username}`;
  const install = spawnSync(
    findMariaDb()!['mariadb-install-db'],
    ['--no-defaults', `--datadir=${data}`, user, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { encoding: 'utf8' },
  );
  if (install.status !== 0) throw new Error(`mariadb-install-db failed: ${install.stderr}${install.stdout}`);
  const port = await freePort();
  const server = spawn(
    findMariaDb()!.mariadbd,
    [
      '--no-defaults',
      user,
      `--datadir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--innodb-buffer-pool-size=16M',
      ...(options.tls ? tlsOptions(folder) : ['--skip-ssl']),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const log: string[] = [];
  server.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const stop = async () => {
    await end(server);
    rmSync(folder, { recursive: true, force: true });
  };
  const sql = async (statement: string) => {
    const connection = await createConnection({
      socketPath: join(folder, 'socket'),
      user: 'root',
      multipleStatements: true,
    });
    await connection.query(statement).finally(() => connection.end());
  };
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    try {
      await sql('SELECT 1');
      return { port, sql, stop };
    } catch (error) {
      if (server.exitCode === null && Date.now() < deadline) continue;
      await stop();
      throw new Error(`mariadbd did not start: ${log.join('').slice(-2000)}`, { cause: error });
    }
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function tlsOptions(folder: string): string[] {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date('2026-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date('2046-01-01T00:00:00Z');
  const name = [{ name: 'commonName', value: 'localhost' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(pki.privateKeyFromPem(pair.privateKey), md.sha256.create());
  writeFileSync(join(folder, 'key.pem'), pair.privateKey);
  writeFileSync(join(folder, 'cert.pem'), pki.certificateToPem(certificate));
  return [`--ssl-cert=${join(folder, 'cert.pem')}`, `--ssl-key=${join(folder, 'key.pem')}`];
}
