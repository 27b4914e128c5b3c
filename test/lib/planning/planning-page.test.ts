// The worked examples of docs/planning.md: each row is planned as it says, and must come to what it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDuration } from '../../../bin/duration';
import { arithmetic } from '../../../lib/planning/infeasible';
import { plan } from '../../../lib/planning/plan';
import type { DatabaseInput, VolumeInput } from '../../../lib/planning/plan-types';

const page = readFileSync(join(__dirname, '../../../docs/planning.md'), 'utf8');

const WINDOWS = { maintenanceWindow: 'sun:12:30-sun:13:00', backupWindow: '12:00-12:30' };
const DATABASES: Readonly<Record<string, Omit<DatabaseInput, 'name'>>> = {
  'RDS instance': { kind: 'rds-instance' },
  'RDS instance, windows known': { kind: 'rds-instance', ...WINDOWS },
  'Aurora cluster': { kind: 'aurora-cluster' },
  'Aurora Global Database': { kind: 'aurora-cluster', globalDatabase: true },
};
const VOLUMES: Readonly<Record<string, Omit<VolumeInput, 'name'>>> = {
  volume: {},
  'volume without export': { without: ['artifact-export', 'efs-replication'] },
};

const rows = [...page.matchAll(/^\| `([a-z-]+)` \| ([^|`]+) \| (\w+) \| (\w+) \| (.+ = .+) \|$/gm)].map((match) =>
  match.slice(1).map((cell) => cell.trim()),
);

for (const [technique, of, rpo, drRpo, sum] of rows) {
  test(`${technique} of ${of}, ${rpo}, ${drRpo}: ${sum}`, () => {
    const result = plan({
      objectives: {
        inRegion: { rpoSeconds: parseDuration(rpo)!, rtoSeconds: 86_400 },
        drSite: { rpoSeconds: parseDuration(drRpo)!, rtoSeconds: 86_400 },
      },
      databases: of in DATABASES ? [{ name: 'it', ...DATABASES[of] }] : [],
      volumes: of in VOLUMES ? [{ name: 'it', ...VOLUMES[of] }] : [],
    });
    const line = result.lines.find((candidate) => candidate.technique === technique);
    assert.deepEqual(result.infeasible, []);
    assert.equal(line?.purpose, 'promise');
    assert.equal(arithmetic(line), sum);
  });
}

test('there is a worked example of every technique', () => {
  assert.equal(rows.length, 12);
  assert.deepEqual([...new Set(rows.map(([technique]) => technique))].sort(), [
    'artifact-export',
    'artifact-export-replicated',
    'aurora-global-database',
    'backup-continuous',
    'backup-copy',
    'backup-snapshot',
    'efs-replication',
    'rds-automated-backup-replication',
  ]);
});
