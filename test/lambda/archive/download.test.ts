/** Downloads into memory that is there, over a real connection: what is taken, and what is left to Node's own client. */
import assert from 'node:assert/strict';
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { pki } from 'node-forge';
import { Downloads, type SignedRequest } from '../../../lambda/archive/s3-download';

const BODY = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) >> 5));
const TIMEOUTS = { connectMs: 5_000, idleMs: 1_000 };

function certificate(): { readonly key: string; readonly cert: string } {
  const keys = pki.rsa.generateKeyPair(2048);
  const made = pki.createCertificate();
  made.publicKey = keys.publicKey;
  made.serialNumber = '01';
  made.validity.notBefore = new Date(Date.now() - 3_600_000);
  made.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: 'localhost' }];
  made.setSubject(name);
  made.setIssuer(name);
  made.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }]);
  made.sign(keys.privateKey);
  return { key: pki.privateKeyToPem(keys.privateKey), cert: pki.certificateToPem(made) };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  switch (request.url) {
    case '/whole?x-id=GetObject':
      response.setHeader('content-length', BODY.length).end(BODY);
      break;
    case '/empty':
      response.setHeader('content-length', 0).end();
      break;
    case '/in-two':
      // The head in a packet of its own, and the body long after it.
      response.writeHead(206, { 'content-length': 10 }).flushHeaders();
      setTimeout(() => response.end('0123456789'), 50);
      break;
    case '/unknown-length':
      response.write('some');
      response.end('thing');
      break;
    case '/cut':
      response.writeHead(200, { 'content-length': BODY.length });
      response.write(BODY.subarray(0, 1000), () => request.socket.destroy());
      break;
    case '/silent':
      break;
    case '/close':
      response.setHeader('connection', 'close').setHeader('content-length', 2).end('ok');
      break;
    default:
      response.writeHead(404).end('<Error/>');
  }
}

async function start(server: Server, protocol: string) {
  let connections = 0;
  server.on(protocol === 'https:' ? 'secureConnection' : 'connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const request = (path: string, query = {}): SignedRequest => {
    return {
      protocol,
      hostname: 'localhost',
      port,
      method: 'GET',
      path,
      query,
      headers: { host: `localhost:${port}` },
    };
  };
  return { request, connections: () => connections };
}

const own = certificate();
setDefaultCACertificates([...getCACertificates('default'), own.cert]);

for (const protocol of ['http:', 'https:']) {
  const begin = () => start(protocol === 'http:' ? createHttp(answer) : createHttps(own, answer), protocol);

  test(`${protocol} bodies come whole into the memory, one after another over one connection`, async () => {
    const { request, connections } = await begin();
    const downloads = new Downloads();
    // Memory as the archive has it, with something behind it that is not to be touched.
    const memory = new Uint8Array(new SharedArrayBuffer(BODY.length + 1)).fill(0xee);
    for (let round = 0; round < 3; round += 1) {
      memory.fill(0, 0, BODY.length);
      const got = await downloads.get(request('/whole', { 'x-id': 'GetObject' }), memory, TIMEOUTS);
      assert.deepEqual([got?.status, got?.bytes], [200, BODY.length]);
      assert.ok(Buffer.from(memory.buffer, 0, BODY.length).equals(BODY));
      assert.equal(memory[BODY.length], 0xee);
    }
    assert.equal((await downloads.get(request('/empty'), memory, TIMEOUTS))?.bytes, 0);
    const parts = await downloads.get(request('/in-two'), memory, TIMEOUTS);
    assert.deepEqual([parts?.status, parts?.bytes], [206, 10]);
    assert.equal(Buffer.from(memory.buffer, 0, 10).toString(), '0123456789');
    assert.equal(connections(), 1);
  });

  test(`${protocol} an error, a body of unknown length or that has no room is left to another client`, async () => {
    const { request } = await begin();
    const downloads = new Downloads();
    const small = new Uint8Array(BODY.length - 1).fill(0xee);
    for (const path of ['/none', '/unknown-length', '/whole']) {
      assert.equal(
        await downloads.get(request(path, path === '/whole' ? { 'x-id': 'GetObject' } : {}), small, TIMEOUTS),
        undefined,
      );
    }
    assert.ok(small.every((byte) => byte === 0xee));
  });

  test(`${protocol} an answer that is cut or does not come is an error that the SDK knows to repeat`, async () => {
    const { request } = await begin();
    const downloads = new Downloads();
    const memory = new Uint8Array(BODY.length);
    await assert.rejects(downloads.get(request('/cut'), memory, TIMEOUTS), {
      code: 'ECONNRESET',
      message: `the answer ended after 1000 of ${BODY.length} bytes: the connection was closed`,
    });
    await assert.rejects(downloads.get(request('/silent'), memory, TIMEOUTS), { code: 'ETIMEDOUT' });
    // Neither of those connections is used again, nor one that the server said it would close.
    for (let round = 0; round < 2; round += 1) {
      assert.equal((await downloads.get(request('/close'), memory, TIMEOUTS))?.bytes, 2);
    }
  });
}

test('https: nothing is sent to a server whose certificate is not trusted', async () => {
  let asked = false;
  const { request } = await start(
    createHttps(certificate(), () => (asked = true)),
    'https:',
  );
  await assert.rejects(new Downloads().get(request('/whole'), new Uint8Array(1), TIMEOUTS), /self-signed certificate/);
  assert.equal(asked, false);
});
