import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEvent } from '../../../lambda/drill/event';
import { startOfDrill } from '../../../lambda/drill/drill-id';

const MANIFEST = 'archives/prod/repository/manifests/20261124T120000.000Z-58.jsonl.zst';

describe('parseEvent', () => {
  it('has a default for all but the deployment: the drill of the newest set', () => {
    assert.deepEqual(parseEvent({ deployment: 'prod' }), { deployment: 'prod', mode: 'drill', planOnly: false });
  });

  it('takes what the contract names; a time in any zone becomes UTC', () => {
    assert.deepEqual(
      parseEvent({
        deployment: 'prod',
        mode: 'recover',
        at: '2026-11-24T05:25:00+01:00',
        exportKey: MANIFEST,
        planOnly: true,
      }),
      { deployment: 'prod', mode: 'recover', planOnly: true, at: '2026-11-24T04:25:00.000Z', exportKey: MANIFEST },
    );
  });

  it('takes volumes from recovery points where it is asked to; from the archive is the default, which is not said', () => {
    const parsed = { deployment: 'prod', mode: 'drill', planOnly: false };
    assert.deepEqual(parseEvent({ deployment: 'prod', volumesFrom: 'backup' }), { ...parsed, volumesFrom: 'backup' });
    assert.deepEqual(parseEvent({ deployment: 'prod', volumesFrom: 'archive' }), parsed);
  });

  for (const [event, message] of [
    [undefined, /`deployment` .* must be the name of a deployment/],
    [{ deployment: '../other' }, /`deployment` .*got "\.\.\/other"/],
    [{ deployment: 'prod', mode: 'restore' }, /`mode` .* must be drill or recover, got "restore"/],
    [{ deployment: 'prod', planOnly: 'true' }, /`planOnly` .* must be true or false, got "true"/],
    [{ deployment: 'prod', at: '2026-11-24T05:25:00' }, /`at` .* must be a time with its zone/],
    [{ deployment: 'prod', at: '2026-13-24T05:25:00Z' }, /`at` .* must be a time/],
    [{ deployment: 'prod', at: 5 }, /`at` .* must be a time/],
    [{ deployment: 'prod', exportKey: 'manifests/1' }, /`exportKey` .* must be the key of a manifest of prod/],
    [{ deployment: 'prod', exportKey: MANIFEST.replace('prod', 'other') }, /`exportKey` .*archives\/prod\//],
    [{ deployment: 'prod', exportKey: 'archives/prod/../other/manifests/1' }, /`exportKey`/],
    [{ deployment: 'prod', volumesFrom: 'efs' }, /`volumesFrom` .* must be archive or backup, got "efs"/],
    [{ deployment: 'prod', volumesFrom: 'backup', exportKey: MANIFEST }, /exclude each other/],
    [
      { deployment: 'prod', dryRun: true },
      /must hold deployment, mode, at, exportKey, volumesFrom, planOnly alone, got `dryRun`/,
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(event)}`, () => assert.throws(() => parseEvent(event), message));
  }
});

describe('startOfDrill', () => {
  it('reads the time out of the id of a drill, and of nothing else', () => {
    assert.equal(startOfDrill('drill-20261124t042500-1a2b3c4d'), Date.parse('2026-11-24T04:25:00Z'));
    for (const other of ['recovery-20261124t042500-1a2b3c4d', 'drill-1', 'drill-20261399t042500-1a2b3c4d', '']) {
      assert.equal(startOfDrill(other), undefined);
    }
  });
});
