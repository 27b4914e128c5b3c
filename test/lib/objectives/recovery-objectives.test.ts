import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration, Lazy } from 'aws-cdk-lib';
import { RecoveryObjectives } from '../../../lib/objectives/recovery-objectives';

const of = (rpo: Duration, rto: Duration, drRpo: Duration, drRto: Duration) =>
  RecoveryObjectives.of({ rpo, rto, drSite: { rpo: drRpo, rto: drRto } });
const h = (hours: number) => Duration.hours(hours);

test('objectives in seconds', () => {
  assert.deepEqual(of(h(1), h(4), h(6), h(8))._toSeconds(), {
    inRegion: { rpoSeconds: 3600, rtoSeconds: 14400 },
    drSite: { rpoSeconds: 21600, rtoSeconds: 28800 },
  });
});

test('the DR site may be equal to the Region, never tighter', () => {
  of(h(6), h(8), h(6), h(8));
  assert.throws(() => of(h(6), h(8), Duration.minutes(359), h(8)), {
    message:
      '`drSite.rpo` must be at least `rpo` (6 hours), got 5 hours 59 minutes: what survives the loss of the Region ' +
      'survives a smaller failure too; tighten `rpo` or relax `drSite.rpo`',
  });
  assert.throws(() => of(h(6), h(8), h(6), h(7)), /`drSite\.rto` must be at least `rto` \(8 hours\), got 7 hours/);
});

test('objectives are positive and known', () => {
  of(Duration.seconds(1), Duration.seconds(1), Duration.seconds(1), Duration.seconds(1));
  assert.throws(() => of(h(0), h(1), h(1), h(1)), /`rpo` must be a duration of at least one second.*got 0/);
  assert.throws(() => of(h(1), Duration.millis(999), h(1), h(1)), /`rto` must be/);
  assert.throws(() => of(h(1), h(1), h(1), h(0)), /`drSite\.rto` must be/);
  const token = Duration.hours(Lazy.number({ produce: () => 1 }));
  assert.throws(() => of(token, h(1), h(1), h(1)), /`rpo` must be .* known at synth time, got a token/);
});
