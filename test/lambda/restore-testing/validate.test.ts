import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { invokeCheck } from '../../../lambda/restore-testing/validate';
import type { CheckEvent } from '../../../lambda/check/contract';

const EVENT = { drillId: 'restore-test-1' } as CheckEvent;
let body: string | undefined;
const server = createServer((_request, response) => {
  if (body !== undefined) response.end(body);
});
let lambda: LambdaClient;

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  lambda = new LambdaClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
after(() => {
  lambda.destroy();
  server.closeAllConnections();
  server.close();
});

test(
  'a check function that does not answer is given up while a verdict can still be put',
  { timeout: 20_000 },
  async () => {
    body = undefined;
    await assert.rejects(invokeCheck(EVENT, { lambda, checkFunction: 'check', remainingMs: () => 60_001 }), {
      message: 'the check function gave no answer in the time that there is for it',
    });
  },
);

test('one that answers is not', async () => {
  body = '{"checks":[]}';
  const { Payload } = await invokeCheck(EVENT, { lambda, checkFunction: 'check', remainingMs: () => 120_000 });
  assert.equal(Payload?.transformToString(), '{"checks":[]}');
});
