/** With which credentials the two Regions are asked. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Clients } from '../../../bin/recovery/clients';

const folder = mkdtempSync(join(tmpdir(), 'profiles-'));
const before = { ...process.env };
after(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true, force: true });
});

test('a profile goes before the credentials in use; without one they are taken', async () => {
  const file = join(folder, 'credentials');
  writeFileSync(file, '[production]\naws_access_key_id = OTHER\naws_secret_access_key = secret\n');
  Object.assign(process.env, {
    AWS_SHARED_CREDENTIALS_FILE: file,
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_ACCESS_KEY_ID: 'OWN',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  const keysOf = async (clients: Clients) =>
    Promise.all(
      [clients.sts(), clients.s3(), clients.backup(), clients.lambda(), clients.invoking()].map(
        async ({ config }) => (await config.credentials()).accessKeyId,
      ),
    );
  assert.deepEqual(await keysOf(new Clients('eu-central-1', 'production')), Array(5).fill('OTHER'));
  assert.deepEqual(await keysOf(new Clients('eu-central-1')), Array(5).fill('OWN'));
});
