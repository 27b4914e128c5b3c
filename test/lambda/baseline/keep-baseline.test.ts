import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { MemoryStore } from '../../../lambda/archive/memory-store';
import type { BaselineNote } from '../../../lambda/baseline/contract';
import { keepBaseline } from '../../../lambda/baseline/keep-baseline';
import { createLogger } from '../../../lambda/shared/log';

const directory = mkdtempSync(join(tmpdir(), 'keep-baseline-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let stores: Map<string, MemoryStore>;
let written: BaselineNote[];
let lines: string[];
beforeEach(() => {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  stores = new Map();
  written = [];
  lines = [];
});

const keep = (productVersion?: string) =>
  keepBaseline({
    deployment: 'prod',
    directory,
    ...(productVersion === undefined ? {} : { productVersion }),
    storeOf: (version) => {
      if (!stores.has(version)) stores.set(version, new MemoryStore(`baselines/prod/${version}/`));
      return stores.get(version)!;
    },
    notes: {
      read: async () => written.at(-1),
      write: async (note) => void written.push(note),
    },
    log: createLogger({}, (line) => lines.push(line)),
    now: () => new Date('2026-11-24T12:00:00.000Z'),
  });

function install(version: string): void {
  mkdirSync(join(directory, 'bin'), { recursive: true });
  mkdirSync(join(directory, 'repository'), { recursive: true });
  writeFileSync(join(directory, 'bin/wso2server.sh'), '#!/bin/sh\n');
  writeFileSync(join(directory, 'README.txt'), `====\nWSO2 Identity Server ${version}\n====\n`);
}

const EMPTY = 'the volume holds no server directory yet, with bin and repository in it';

test('a volume that is still empty: no failure, said in the log, noted once', async () => {
  const none = { deployment: 'prod', outcome: 'none', productVersion: null, reason: EMPTY } as const;
  assert.deepEqual(await keep(), none);
  assert.deepEqual(await keep('7.1.0'), none);
  assert.deepEqual(written, [{ formatVersion: 1, deployment: 'prod', at: '2026-11-24T12:00:00.000Z', reason: EMPTY }]);
  assert.match(lines[0]!, /"level":"WARN","message":"no baseline","reason":"the volume holds no server directory yet/);
  assert.equal(stores.size, 0);
});

test('made once for each version, of a directory that changes all the time', async () => {
  install('7.1.0');
  assert.deepEqual(await keep(), { deployment: 'prod', outcome: 'made', productVersion: '7.1.0' });
  const objects = [...stores.get('7.1.0')!.objects.keys()].sort();
  assert.ok(objects.includes('baseline.json'));
  writeFileSync(join(directory, 'repository/tenant.xml'), 'of later');
  assert.equal((await keep()).outcome, 'is-there');
  assert.deepEqual([...stores.get('7.1.0')!.objects.keys()].sort(), objects);
  install('7.2.0');
  assert.deepEqual(await keep(), { deployment: 'prod', outcome: 'made', productVersion: '7.2.0' });
  assert.deepEqual(written, []);
});

test('the version that is given counts; without one that README.txt says there is none', async () => {
  install('7.1.0');
  assert.equal((await keep('7.1.0-u2')).productVersion, '7.1.0-u2');
  writeFileSync(join(directory, 'README.txt'), 'none');
  assert.match((await keep()).reason!, /^README\.txt in the server directory does not say which product version/);
});

test('an archive that cannot be written: fails, with the reason in the note, and no record', async () => {
  install('7.1.0');
  const full = new MemoryStore('baselines/prod/7.1.0/');
  full.put = async () => {
    throw new Error('s3:PutObject is denied');
  };
  stores.set('7.1.0', full);
  await assert.rejects(keep(), /s3:PutObject is denied/);
  assert.match(written[0]!.reason, /^the baseline of 7\.1\.0 failed: .*s3:PutObject is denied/);
  assert.equal(full.objects.size, 0);
});
