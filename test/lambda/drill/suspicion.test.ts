import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseRecoverySet } from '../../../lambda/drill/choose-recovery-set';
import { markSuspicious, parseSuspicion, type Suspicion } from '../../../lambda/drill/suspicion';
import { FakeSite, MANIFEST_KEY, reportOf, runDrill } from './fake-site';

const at = (time: string) => `2026-11-24T${time}:00.000Z`;
const POINTS = ['09:00', '10:00', '11:00'];

/** What is chosen of three points of `files`, and of a window of `db` from 08:00 to 11:30. */
function choose(...suspicions: Suspicion[]) {
  const components = markSuspicious(
    [
      {
        component: 'files',
        points: POINTS.map((time) => ({ id: time, technique: 'artifact-export-replicated', moment: at(time) })),
      },
      {
        component: 'db',
        points: [],
        windows: [
          { id: 'window', technique: 'rds-automated-backup-replication', earliest: at('08:00'), latest: at('11:30') },
        ],
      },
    ],
    suspicions,
  );
  const { chosen, passedOver, missing } = chooseRecoverySet({ components, now: at('12:00'), rpoSeconds: 36_000 });
  return {
    chosen: chosen.map(
      ({ component, moment, latest }) => `${component} ${moment.slice(11, 19)}${latest ? ' latest' : ''}`,
    ),
    passedOver,
    missing,
  };
}

describe('what is marked suspicious', () => {
  for (const [what, marks, chosen] of [
    ['nothing', [], ['files 11:00:00', 'db 11:00:00']],
    ['one export', [{ id: '11:00', reason: 'r' }], ['files 10:00:00', 'db 10:00:00']],
    ['everything from 10:30', [{ from: at('10:30'), reason: 'r' }], ['files 10:00:00', 'db 10:00:00']],
    ['everything from exactly 10:00', [{ from: at('10:00'), reason: 'r' }], ['files 09:00:00', 'db 09:00:00']],
    [
      'until exactly 11:00',
      [{ from: at('10:00'), until: at('11:00'), reason: 'r' }],
      ['files 11:00:00', 'db 11:00:00'],
    ],
    [
      'a component alone, whose window ends there and goes on',
      [{ from: at('10:59'), component: 'db', reason: 'r' }],
      ['files 11:00:00', 'db 10:58:59'],
    ],
    ['another component', [{ from: at('08:00'), component: 'other', reason: 'r' }], ['files 11:00:00', 'db 11:00:00']],
    ['the window', [{ id: 'window', reason: 'r' }], ['files 11:00:00']],
    ['everything', [{ from: at('01:00'), reason: 'r' }], []],
  ] as const) {
    it(`${what}: ${chosen.join(', ') || 'nothing is chosen'}`, () => assert.deepEqual(choose(...marks).chosen, chosen));
  }

  it('is named with its reason', () => {
    const { passedOver } = choose({ id: '11:00', reason: 'keystores were changed at night' });
    assert.deepEqual(passedOver, [
      { component: 'files', id: '11:00', reason: 'marked suspicious: keystores were changed at night' },
    ]);
    assert.match(
      choose({ from: at('01:00'), reason: 'ransomware' }).missing[0]?.reason ?? '',
      /marked suspicious: ransomware/,
    );
  });

  it('is read from the bucket by a drill', async () => {
    const site = new FakeSite();
    site.archivePoints.push({ manifestKey: 'older', startedAt: '2026-11-24T03:55:00.000Z' });
    site.objects.set('suspicious/prod/1.json', JSON.stringify({ id: MANIFEST_KEY, reason: 'a test' }));
    await runDrill(site);
    assert.equal(reportOf(site).components[1]?.restoredFrom, 'older');
    assert.deepEqual(reportOf(site).passedOver, [
      { component: 'repository', id: MANIFEST_KEY, reason: 'marked suspicious: a test' },
    ]);
  });

  for (const text of [
    '',
    'null',
    '{}',
    '{"reason":"r"}',
    '{"id":"x"}',
    '{"reason":"r","from":"yesterday"}',
    '{"reason":"r","id":5}',
  ]) {
    it(`FAILED where a mark is ${text || 'empty'}: it might forbid what would be restored`, async () => {
      assert.throws(() => parseSuspicion(text, 's3://b/k'), /^DrillError: the mark s3:\/\/b\/k must be/);
    });
  }
});
