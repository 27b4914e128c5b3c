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
  const lines = planTable(planned(7 * HOUR), { width: 115 }).split('\n');
  const drawn = lines.filter((line) => /^[│┌├└]/.test(line));
  assert.ok(
    drawn.every((line) => line.length <= 115),
    drawn.find((line) => line.length > 115),
  );
  assert.ok(
    lines.some((line) => /^│ db +│ DR site │ backup-copy +│ every 2 h from 00:00 +│ 7h +│ interval 2h/.test(line)),
  );
  assert.ok(lines.some((line) => /^│ db +│ Region +│ \+ backup-snapshot +│/.test(line)));
  assert.ok(lines.some((line) => /^│ db +│ Region +│ backup-continuous +│ continuously +│ 5m/.test(line)));
});

test('where the terminal is narrow, the arithmetic stands below', () => {
  const lines = planTable(planned(7 * HOUR), { width: 100 }).split('\n');
  assert.ok(lines.filter((line) => /^[│┌├└]/.test(line)).every((line) => line.length <= 100));
  assert.ok(lines.includes('arithmetic:'));
  assert.ok(
    lines.includes(
      '  db, DR site, backup-copy: interval 2h + start window 1h + backup job 1h + copy wait 2h + copy job 1h',
    ),
  );
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
      // Nothing of the caller's: node reads CI, COLORTERM and a dozen more.
      for (const key of Object.keys(process.env)) delete process.env[key];
      Object.assign(process.env, { TERM: 'xterm-256color' }, environment);
      const stream = Object.assign(Object.create(WriteStream.prototype) as WriteStream, { isTTY: true });
      return planTable(planned(7 * HOUR), { stream }).includes('\u001b[32m5m');
    } finally {
      for (const key of Object.keys(process.env)) delete process.env[key];
      Object.assign(process.env, saved);
    }
  };
  assert.equal(colours({}), true);
  assert.equal(colours({ NO_COLOR: '1' }), false);
  assert.ok(!planTable(planned(7 * HOUR)).includes('\u001b'));
});
