import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import forge from 'node-forge';
import { checkBoot } from '../../../lambda/check/boot';
import type { BootEvent } from '../../../lambda/check/boot-contract';

const HEALTH = '/api/health-check/v1.0/health';
const SECRET = JSON.stringify({ clientId: 'drill:client', clientSecret: 's3cret/+' });

/** For a name that nobody asks for, as production's is. */
function certificate() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const cert = forge.pki.createCertificate();
  cert.publicKey = forge.pki.publicKeyFromPem(publicKey);
  cert.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: 'iam.example.com' }];
  cert.setSubject(name);
  cert.setIssuer(name);
  cert.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { key: privateKey, cert: forge.pki.certificateToPem(cert) };
}

/** Answers as Identity Server does at the two endpoints. */
const state = { health: [200], token: (): string => '{"access_token":"abc123","token_type":"Bearer"}', hangs: false };
let server: Server;

before(async () => {
  server = createServer(certificate(), (request, response) => {
    if (state.hangs) return;
    if (request.method === 'GET' && request.url === HEALTH) {
      response.writeHead(state.health.length > 1 ? (state.health.shift() ?? 500) : (state.health[0] ?? 500)).end('{}');
      return;
    }
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const [kind, credentials = ''] = (request.headers.authorization ?? '').split(' ');
      const isClient =
        kind === 'Basic' && Buffer.from(credentials, 'base64').toString() === 'drill%3Aclient:s3cret%2F%2B';
      const isRequest = request.url === '/oauth2/token' && body === 'grant_type=client_credentials';
      if (request.method === 'POST' && isRequest && isClient) response.writeHead(200).end(state.token());
      else response.writeHead(401).end('{"error":"invalid_client","error_description":"s3cret/+"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const check = async (
  more: Partial<BootEvent> = {},
  secret: string | undefined = SECRET,
  nowMs = () => performance.now(),
) => {
  const { port } = server.address() as AddressInfo;
  const { checks } = await checkBoot(
    {
      action: 'boot',
      address: '127.0.0.1',
      port,
      healthPath: HEALTH,
      timeoutSeconds: 5,
      tokenSecretArn: 'arn',
      ...more,
    },
    { readSecret: () => Promise.resolve(secret), nowMs, pauseMs: 10 },
  );
  return checks.map(({ check: name, status, reason, compared }) => ({ name, status, reason, compared }));
};

describe('a booted copy', () => {
  it('that becomes healthy and issues a token passes', async () => {
    state.health = [503, 404, 200];
    // A clock that goes so slowly that a busy machine takes no second either.
    const slow = () => performance.now() / 1000;
    assert.deepEqual(await check({}, SECRET, slow), [
      {
        name: 'boot-health',
        status: 'PASSED',
        reason: `the restored copy answered ${HEALTH} with 200 after 0 s`,
        compared: { status: 200, seconds: 0, attempts: 3 },
      },
      {
        name: 'boot-token',
        status: 'PASSED',
        reason: 'the restored copy issued a token to the test client',
        compared: { status: 200, tokenCharacters: 6 },
      },
    ]);
  });

  it('is asked for no token where there is no client', async () => {
    state.health = [200];
    const { port } = server.address() as AddressInfo;
    const { checks } = await checkBoot(
      { action: 'boot', address: '127.0.0.1', port, healthPath: HEALTH, timeoutSeconds: 5 },
      { readSecret: () => assert.fail('no secret is read'), nowMs: () => performance.now() },
    );
    assert.deepEqual(
      checks.map(({ check: name, status }) => [name, status]),
      [['boot-health', 'PASSED']],
    );
  });

  it('that does not become healthy in time fails, and is asked for no token', async () => {
    state.health = [503];
    const [health, token] = await check({ timeoutSeconds: 2 });
    assert.equal(health?.status, 'FAILED');
    assert.match(
      health?.reason ?? '',
      /did not answer .* with 200 within 2 s \(last: (status 503|no answer in time)\)/,
    );
    assert.equal(token?.status, 'FAILED');
    assert.match(token?.reason ?? '', /no token was asked for/);
  });

  it('that takes the connection and never answers fails when the time is over', async () => {
    state.hangs = true;
    const [health] = await check({ timeoutSeconds: 0.1 });
    state.hangs = false;
    assert.equal(health?.status, 'FAILED');
    assert.match(health?.reason ?? '', /last: no answer in time/);
  });

  it('that nobody can connect to fails', async () => {
    const [health] = await check({ port: 1, timeoutSeconds: 1 });
    assert.equal(health?.status, 'FAILED');
    assert.match(health?.reason ?? '', /ECONNREFUSED/);
  });

  it('that refuses the client fails, with its code and nothing of the secret', async () => {
    state.health = [200];
    const [, token] = await check({}, JSON.stringify({ clientId: 'drill:client', clientSecret: 'wrong' }));
    assert.equal(token?.status, 'FAILED');
    assert.equal(token?.reason, 'the restored copy issued no token: status 401 (invalid_client)');
  });

  it('that answers 200 without a token fails', async () => {
    for (const answer of ['{}', 'no JSON', '{"access_token":""}', '{"access_token":1}', 'null']) {
      state.token = () => answer;
      const [, token] = await check();
      assert.deepEqual([token?.status, token?.compared], ['FAILED', { status: 200, tokenCharacters: 0 }], answer);
    }
  });

  it('needs a secret of its form', async () => {
    for (const secret of ['', 'plain', '{"clientId":"x"}', '[]']) {
      const [, token] = await check({}, secret);
      assert.match(token?.reason ?? '', /must be JSON with `clientId` and `clientSecret`/);
    }
  });
});
