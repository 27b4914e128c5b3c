import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteStream } from 'node:tty';
import { plan } from '../../../lib/planning/plan';
import { planTable } from '../../../lib/planning/plan-table';

const HOUR = 3600;

const planned = (drRpoSeconds: number) =>
  plan({
    objectives: {
      inRegion: { rpoSeconds: HOUR, rtoSeconds: HOUR },
      drSite: { rpoSeconds: drRpoSeconds, rtoSeconds: 2000 },
    },
    databases: [{ name: 'db', kind: 'rds-instance' }],
    volumes: [{ name: 'files' }],
    measured: [{ component: 'db', rtoSeconds: 2100.2, drill: 'd-1' }],
  });

test('a line fits the width, the arithmetic wraps, techniques that only stand beside have a +', () => {
  const lines = planTable(planned(6 * HOUR), { width: 110 }).split('\n');
  const drawn = lines.filter((line) => /^[│┌├└]/.test(line));
  assert.ok(
    drawn.every((line) => line.length <= 110),
    drawn.find((line) => line.length > 110),
  );
  assert.ok(lines.some((line) => /^│ db +│ DR site │ backup-copy +│ hourly at :00 +│ 6h +│ interval 1h/.test(line)));
  assert.ok(lines.some((line) => /^│ db +│ Region +│ \+ backup-snapshot +│/.test(line)));
  assert.ok(lines.some((line) => /^│ db +│ Region +│ backup-continuous +│ continuously +│ 5m/.test(line)));
});

test('what is missed says so, with what would meet it', () => {
  const text = planTable(planned(HOUR));
  assert.match(text, /│ 1h 5m \(too old\) │/);
  assert.match(text, /│ 35m 1s \(too long\) +│ recovery 35m 1s/);
  assert.match(text, /^cannot be met: RPO 1h of db at the DR site; the nearest that can is 1h 5m \(/m);
  assert.match(
    text,
    /^cannot be met: RTO 33m 20s of db at the DR site; the nearest that can is 35m 1s \(last measured/m,
  );
  assert.match(text, /^ {2}no change that this planner knows would meet it$/m);
  assert.match(text, /^warning: db: RDS replicates automated backups between certain Regions only/m);
});

test('colour goes to a terminal that wants it', () => {
  const colours = (environment: NodeJS.ProcessEnv) => {
    const saved = { ...process.env };
    try {
      delete process.env['NO_COLOR'];
      delete process.env['FORCE_COLOR'];
      delete process.env['NODE_DISABLE_COLORS'];
      Object.assign(process.env, { TERM: 'xterm-256color' }, environment);
      const stream = Object.assign(Object.create(WriteStream.prototype) as WriteStream, { isTTY: true });
      return planTable(planned(6 * HOUR), { stream }).includes('\u001b[32m5m');
    } finally {
      for (const key of Object.keys(process.env)) delete process.env[key];
      Object.assign(process.env, saved);
    }
  };
  assert.equal(colours({}), true);
  assert.equal(colours({ NO_COLOR: '1' }), false);
  assert.ok(!planTable(planned(6 * HOUR)).includes('\u001b'));
});
