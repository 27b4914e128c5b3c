import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type CountingProxy, startCountingProxy } from '../../benchmarks/server/counting-proxy';

let proxy: CountingProxy;
const seen: { host: string | undefined; expect: string | undefined; body: string }[] = [];
const upstream = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { host, expect } = request.headers;
    seen.push({ host, expect, body: Buffer.concat(chunks).toString() });
    response.writeHead(request.method === 'DELETE' ? 204 : 200, { 'x-seen': 'yes' });
    response.end(request.method === 'GET' ? 'twelve bytes' : undefined);
  });
});

before(async () => {
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  proxy = await startCountingProxy(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
});
after(async () => {
  await proxy.stop();
  upstream.close();
});

test('passes requests on as they are, with the host that they were signed for, and counts them', async () => {
  const put = await fetch(`${proxy.endpoint}/bucket/key`, { method: 'PUT', body: 'content' });
  assert.equal(put.status, 200);
  assert.equal(put.headers.get('x-seen'), 'yes');
  const get = await fetch(`${proxy.endpoint}/bucket/key`);
  assert.equal(await get.text(), 'twelve bytes');
  await fetch(`${proxy.endpoint}/bucket/key`);
  assert.equal((await fetch(`${proxy.endpoint}/bucket/key`, { method: 'DELETE' })).status, 204);
  assert.equal(seen[0]!.body, 'content');
  assert.equal(seen[0]!.host, new URL(proxy.endpoint).host);
  assert.deepEqual(proxy.counts(), { requests: { PUT: 1, GET: 2, DELETE: 1 }, bytesSent: 7, bytesReceived: 24 });
});
