import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plan } from '../../../lib/planning/plan';

const page = readFileSync(join(__dirname, '../../../docs/planning.md'), 'utf8').replace(/\s+/g, ' ');
const lines = (rpoHours: number, drRpoHours: number) =>
  plan({
    objectives: {
      inRegion: { rpoSeconds: rpoHours * 3600, rtoSeconds: 1 },
      drSite: { rpoSeconds: drRpoHours * 3600, rtoSeconds: 1 },
    },
    databases: [{ name: 'db', kind: 'rds-instance' }],
    volumes: [{ name: 'v' }],
  }).lines;

// The sentence of the page, the objectives that it speaks of, and what the planner must then say.
for (const [technique, sentence, rpo, drRpo, terms] of [
  [
    'backup-snapshot',
    'interval 2 h + start window 1 h (AWS takes no less) + backup job 1 h = **4 h**',
    4,
    24,
    [7200, 3600, 3600],
  ],
  ['backup-continuous', 'RDS ships its logs every 5 min = **5 min**', 1, 24, [300]],
  [
    'backup-copy',
    'copy wait 2 h (AWS Backup retries that long) + copy job 1 h = **6 h**',
    1,
    6,
    [3600, 3600, 3600, 7200, 3600],
  ],
  ['artifact-export', 'interval 30 min + export 15 min = **45 min**', 1, 6, [1800, 900]],
  ['artifact-export-replicated', '45 min + replication 15 min', 1, 6, [1800, 900, 900]],
] as const) {
  test(`worked example of ${technique}`, () => {
    assert.ok(page.includes(sentence), sentence);
    const line = lines(rpo, drRpo).find((candidate) => candidate.technique === technique);
    assert.deepEqual(
      line?.terms.map(({ seconds }) => seconds),
      terms,
    );
  });
}
