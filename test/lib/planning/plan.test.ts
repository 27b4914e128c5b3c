import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plan } from '../../../lib/planning/plan';
import type { DatabaseInput, PlanInput, VolumeInput } from '../../../lib/planning/plan-types';

const MINUTE = 60;
const HOUR = 3600;

type More = Partial<Omit<PlanInput, 'objectives' | 'databases' | 'volumes'>>;

const at = (rpoSeconds: number, drRpoSeconds: number): PlanInput['objectives'] => ({
  inRegion: { rpoSeconds, rtoSeconds: 4 * HOUR },
  drSite: { rpoSeconds: drRpoSeconds, rtoSeconds: 8 * HOUR },
});
const forDatabase = (database: Partial<DatabaseInput>, rpo: number, drRpo: number, more: More = {}) =>
  plan({
    objectives: at(rpo, drRpo),
    databases: [{ name: 'db', kind: 'rds-instance', ...database }],
    volumes: [],
    ...more,
  });
const forVolume = (rpo: number, drRpo: number, volume: Partial<VolumeInput> = {}, more: More = {}) =>
  plan({ objectives: at(rpo, drRpo), databases: [], volumes: [{ name: 'repository', ...volume }], ...more });

/** What carries the promise in the Region and at the DR site, in hours. */
const promises = ({ lines }: ReturnType<typeof plan>) =>
  lines
    .filter(({ purpose }) => purpose === 'promise')
    .map(({ technique, worstCaseSeconds }) => `${technique} ${worstCaseSeconds / HOUR}`);

/** Windows that are known and far from midnight. */
const WINDOWS = { maintenanceWindow: 'sun:12:30-sun:13:00', backupWindow: '12:00-12:30' };

describe('a DR site in another account', () => {
  const other = { siteInOtherAccount: true };

  test('nothing that AWS replicates within an account carries an objective there', () => {
    const { lines, infeasible } = forDatabase(WINDOWS, HOUR, 7 * HOUR, other);
    assert.deepEqual(infeasible, []);
    assert.deepEqual(
      lines.filter(({ site }) => site === 'dr-site').map(({ technique }) => technique),
      ['backup-copy'],
    );
    const [missed] = forDatabase(WINDOWS, HOUR, 7 * HOUR - 1, other).infeasible;
    assert.equal(missed!.nearestFeasibleSeconds, 7 * HOUR);
    assert.deepEqual(missed!.remedies, [
      'a DR site in the same account, since what RDS and EFS replicate by themselves stays in it: 1h 5m',
    ]);
  });

  test('nor EFS replication', () => {
    const techniques = (more: More) => forVolume(HOUR, 20 * MINUTE, {}, more).lines.map(({ technique }) => technique);
    assert.ok(techniques({}).includes('efs-replication'));
    assert.ok(!techniques(other).includes('efs-replication'));
  });

  test('a Global Database is refused', () => {
    assert.throws(() => forDatabase({ kind: 'aurora-cluster', globalDatabase: true }, HOUR, HOUR, other), {
      message:
        '`globalDatabase` of db must be left out, got true with a DR site in another account: its clusters are in one',
    });
  });
});

describe('RDS instance: both sides of each boundary', () => {
  // Snapshot: interval + 1 h start window + 1 h job; copy: + 2 h wait + 1 h job. A daily run at midnight meets no window,
  // six runs a day meet none from
  // 01:00 on; eight would lose one on Sunday, since both windows with what is before them are 3 h.
  for (const [rpo, drRpo, expected, schedule] of [
    [300, 48 * HOUR, ['backup-continuous 0.08333333333333333', 'backup-copy 29'], 'cron(0 0 * * ? *)'],
    [6 * HOUR - 1, 48 * HOUR, ['backup-continuous 0.08333333333333333', 'backup-copy 29'], 'cron(0 0 * * ? *)'],
    [6 * HOUR, 48 * HOUR, ['backup-snapshot 6', 'backup-copy 9'], 'cron(0 1/4 * * ? *)'],
    [14 * HOUR, 48 * HOUR, ['backup-snapshot 14', 'backup-copy 17'], 'cron(0 1/12 * * ? *)'],
    [26 * HOUR - 1, 48 * HOUR, ['backup-snapshot 14', 'backup-copy 17'], 'cron(0 1/12 * * ? *)'],
    [26 * HOUR, 48 * HOUR, ['backup-snapshot 26', 'backup-copy 29'], 'cron(0 0 * * ? *)'],
    [26 * HOUR, 29 * HOUR, ['backup-snapshot 26', 'backup-copy 29'], 'cron(0 0 * * ? *)'],
    [26 * HOUR, 29 * HOUR - 1, ['backup-snapshot 14', 'backup-copy 17'], 'cron(0 1/12 * * ? *)'],
    [HOUR, 8 * HOUR, ['backup-continuous 0.08333333333333333', 'backup-copy 8'], 'cron(0 0/3 * * ? *)'],
    [HOUR, 8 * HOUR - 1, ['backup-continuous 0.08333333333333333', 'backup-copy 7'], 'cron(0 0/2 * * ? *)'],
    [HOUR, 7 * HOUR, ['backup-continuous 0.08333333333333333', 'backup-copy 7'], 'cron(0 0/2 * * ? *)'],
    [
      HOUR,
      7 * HOUR - 1,
      ['backup-continuous 0.08333333333333333', 'rds-automated-backup-replication 1.0833333333333333'],
      'cron(0 0 * * ? *)',
    ],
    [
      HOUR,
      65 * MINUTE,
      ['backup-continuous 0.08333333333333333', 'rds-automated-backup-replication 1.0833333333333333'],
      'cron(0 0 * * ? *)',
    ],
  ] as const) {
    test(`RPO ${rpo} s, DR ${drRpo} s`, () => {
      const result = forDatabase(WINDOWS, rpo, drRpo);
      assert.deepEqual(result.infeasible, []);
      assert.deepEqual(promises(result), expected);
      assert.equal(result.databases[0].rules[0].scheduleExpression, schedule);
    });
  }

  test('while its windows are not known, a daily run may fail every day: more often, and a warning', () => {
    const result = forDatabase({}, 26 * HOUR, 29 * HOUR);
    assert.deepEqual(promises(result), ['backup-snapshot 26', 'backup-copy 29']);
    assert.deepEqual(
      result.lines[0].terms.map(({ name, seconds }) => [name, seconds / HOUR]),
      [
        ['interval', 8],
        ['blocked runs', 16],
        ['start window', 1],
        ['backup job', 1],
      ],
    );
    assert.match(result.warnings[0], /^db: its maintenance and backup windows are not known, .*; give both windows/);
  });

  test('continuous backup makes them harmless, so there is no warning', () => {
    assert.deepEqual(forDatabase({}, HOUR, 7 * HOUR).warnings, []);
  });
});

describe('Aurora cluster: its windows do no harm', () => {
  for (const [rpo, drRpo, expected] of [
    [300, 7 * HOUR, ['backup-continuous 0.08333333333333333', 'backup-copy 7']],
    [3 * HOUR, 6 * HOUR, ['backup-snapshot 3', 'backup-copy 6']],
    [26 * HOUR, 29 * HOUR, ['backup-snapshot 26', 'backup-copy 29']],
    [14 * HOUR, 17 * HOUR, ['backup-snapshot 14', 'backup-copy 17']],
  ] as const) {
    test(`RPO ${rpo} s, DR ${drRpo} s`, () => {
      const result = forDatabase({ kind: 'aurora-cluster' }, rpo, drRpo);
      assert.deepEqual(result.infeasible, []);
      assert.deepEqual(promises(result), expected);
    });
  }

  test('a Global Database carries the DR site, copies stay beside it', () => {
    const result = forDatabase({ kind: 'aurora-cluster', globalDatabase: true }, 300, 300);
    assert.deepEqual(result.infeasible, []);
    assert.deepEqual(
      result.lines.map(({ site, technique, purpose }) => [site, technique, purpose]),
      [
        ['in-region', 'backup-continuous', 'promise'],
        ['in-region', 'backup-snapshot', 'history'],
        ['dr-site', 'aurora-global-database', 'promise'],
        ['dr-site', 'backup-copy', 'history'],
      ],
    );
  });

  test('only Aurora has them', () => {
    assert.throws(
      () => forDatabase({ globalDatabase: true }, HOUR, 6 * HOUR),
      /`globalDatabase` of db must be left out, got true for rds-instance/,
    );
  });
});

test('what is built: snapshots with their copy, and continuous backup in a plan of its own', () => {
  assert.deepEqual(forDatabase({}, HOUR, 7 * HOUR, { retention: { allDays: 36 } }).databases, [
    {
      name: 'db',
      rules: [
        {
          name: 'snapshot',
          intervalHours: 2,
          scheduleExpression: 'cron(0 0/2 * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: false,
          retentionDays: 36,
          copyRetentionDays: 36,
        },
      ],
      continuous: {
        name: 'continuous',
        intervalHours: 24,
        scheduleExpression: 'cron(30 0 * * ? *)',
        startWindowMinutes: 60,
        completionWindowMinutes: 120,
        continuous: true,
        retentionDays: 35,
      },
    },
  ]);
  assert.deepEqual(forDatabase({}, HOUR, 2 * HOUR).databases[0].automatedBackupReplication, { retentionDays: 35 });
});

test('a plan line carries its terms and where they come from', () => {
  const result = forDatabase({}, HOUR, 12 * HOUR, { assumptions: { copyJobSeconds: 600 } });
  assert.deepEqual(result.lines[2], {
    component: 'db',
    site: 'dr-site',
    technique: 'backup-copy',
    purpose: 'promise',
    worstCaseSeconds: 36_600,
    terms: [
      { name: 'interval', seconds: 21_600, source: 'chosen: the cheapest that meets the objectives' },
      { name: 'start window', seconds: 3600, source: 'AWS limit: at least 60 min' },
      { name: 'backup job', seconds: 3600, source: 'default: AWS publishes no duration, drills measure it' },
      { name: 'copy wait', seconds: 7200, source: 'AWS: a copy is retried for up to 2 h' },
      { name: 'copy job', seconds: 600, source: 'input: copyJobSeconds' },
    ],
    schedule: 'cron(0 0/6 * * ? *)',
    reason: 'Every point is copied to the vault in the DR Region, which needs nothing of the primary Region.',
    // 20 GiB at 0.095 USD: once whole, and 140 times 0.6 % (0.1 % + 2 % a day); 120 transfers of that at 0.02 USD.
    usdPerMonth: 3.78,
  });
});

describe('all jobs between two runs fit between them', () => {
  const shortest = (backupJobSeconds: number, copyJobSeconds: number, more: Partial<DatabaseInput> = {}) =>
    forDatabase({ kind: 'aurora-cluster', ...more }, 1, 1, {
      assumptions: { backupJobSeconds, copyJobSeconds },
    }).databases[0].rules[0].intervalHours;
  const alone = { without: ['backup-continuous'] } as const;

  test('beside continuous backup two backup jobs, since it has a job a day', () => {
    assert.equal(shortest(1800, 1800), 1);
    assert.equal(shortest(1801, 1800), 2);
    assert.equal(shortest(3600, 3600), 2);
    assert.equal(shortest(3601, 3600), 3);
  });
  test('without it one', () => {
    assert.equal(shortest(3600, 3600, alone), 1);
    assert.equal(shortest(3601, 1, alone), 2);
  });
  test('a copy job, also behind one that began as late as it may: 1 h start window, and the backup, less 2 h of wait', () => {
    assert.equal(shortest(1, 3601, alone), 2);
    assert.equal(shortest(2 * HOUR, HOUR, alone), 2);
    assert.equal(shortest(2 * HOUR, HOUR + 1, alone), 3);
  });
});

/** Of a Multi-AZ cluster with a DR objective of 9 hours. */
const NO_COPY = [
  'dr-site',
  32_400,
  null,
  [
    'an RDS DB instance in place of the Multi-AZ DB cluster, a Multi-AZ instance deployment included: 1h 5m',
    'an Aurora Global Database in its place, with a secondary cluster in the DR Region: 1m',
  ],
];

describe('what cannot be met: the nearest that can, the arithmetic, and what would', () => {
  for (const [why, database, rpo, drRpo, expected] of [
    ['300 s are log shipping', {}, 300, 7 * HOUR, []],
    ['299 s are not', {}, 299, 7 * HOUR, [['in-region', 299, 300, []]]],
    [
      'replicated automated backups need 65 min',
      {},
      HOUR,
      65 * MINUTE - 1,
      [
        [
          'dr-site',
          3899,
          3900,
          ['an Aurora Global Database in its place, with a secondary cluster in the DR Region: 1m'],
        ],
      ],
    ],
    [
      'copies beside continuous backup need 7 h, where nothing else is wanted',
      { without: ['rds-automated-backup-replication'] },
      HOUR,
      7 * HOUR - 1,
      [
        [
          'dr-site',
          25_199,
          25_200,
          [
            'allow rds-automated-backup-replication: 1h 5m',
            'an Aurora Global Database in its place, with a secondary cluster in the DR Region: 1m',
          ],
        ],
      ],
    ],
    [
      'an Aurora cluster alone has copies',
      { kind: 'aurora-cluster' },
      HOUR,
      7 * HOUR - 1,
      [['dr-site', 25_199, 25_200, ['an Aurora Global Database, with a secondary cluster in the DR Region: 1m']]],
    ],
    [
      'a Multi-AZ cluster has no continuous backup: every 4 h no run is lost to its windows',
      { kind: 'multi-az-cluster', ...WINDOWS },
      6 * HOUR - 1,
      9 * HOUR,
      [
        [
          'in-region',
          21_599,
          21_600,
          [
            'an RDS DB instance in place of the Multi-AZ DB cluster, a Multi-AZ instance deployment included: 5m',
            'an Aurora cluster in its place: 5m',
          ],
        ],
        NO_COPY,
      ],
    ],
    [
      '6 h are enough for it in the Region; nothing brings it to the DR site',
      { kind: 'multi-az-cluster', ...WINDOWS },
      6 * HOUR,
      9 * HOUR,
      [NO_COPY],
    ],
    [
      'with windows that are not known, six runs may be lost in a row',
      { kind: 'multi-az-cluster' },
      9 * HOUR - 1,
      12 * HOUR,
      [
        [
          'in-region',
          32_399,
          32_400,
          [
            'an RDS DB instance in place of the Multi-AZ DB cluster, a Multi-AZ instance deployment included: 5m',
            'maintenance and backup windows that are known, so that the schedule keeps away from them: 6h',
            'an Aurora cluster in its place: 5m',
          ],
        ],
        [
          'dr-site',
          43_200,
          null,
          [
            'an RDS DB instance in place of the Multi-AZ DB cluster, a Multi-AZ instance deployment included: 1h 5m',
            'an Aurora Global Database in its place, with a secondary cluster in the DR Region: 1m',
          ],
        ],
      ],
    ],
  ] as const) {
    test(why, () => {
      assert.deepEqual(
        forDatabase(database, rpo, drRpo).infeasible.map(
          ({ site, objectiveSeconds, nearestFeasibleSeconds, remedies }) => [
            site,
            objectiveSeconds,
            nearestFeasibleSeconds,
            remedies,
          ],
        ),
        expected,
      );
    });
  }

  test('a Multi-AZ cluster has nothing at the DR site, and takes no time to get back there', () => {
    const result = forDatabase({ kind: 'multi-az-cluster', ...WINDOWS }, 30 * HOUR, 60 * HOUR);
    assert.deepEqual(
      result.lines.map(({ site, technique, purpose }) => [site, technique, purpose]),
      [['in-region', 'backup-snapshot', 'promise']],
    );
    assert.deepEqual(
      result.databases[0].rules.map(({ copyRetentionDays }) => copyRetentionDays),
      [undefined],
    );
    assert.deepEqual(
      result.recoveryTimes.map(({ component, site }) => [component, site]),
      [
        ['db', 'in-region'],
        ['all together', 'in-region'],
      ],
    );
    assert.match(
      result.infeasible[0].reason,
      /^nothing brings it there: AWS copies no snapshot of a Multi-AZ DB cluster/,
    );
  });

  test('the reason shows the arithmetic', () => {
    const [missed] = forDatabase({ without: ['rds-automated-backup-replication'] }, HOUR, HOUR).infeasible;
    assert.equal(
      missed.reason,
      'interval 2h + start window 1h + backup job 1h + copy wait 2h + copy job 1h = 7h with backup-copy, the tightest there is',
    );
    assert.equal(missed.objective, 'rpo');
  });
});

describe('volume: both sides of each boundary', () => {
  // interval + 15 min export; at the DR site + 15 min replication.
  for (const [rpo, drRpo, minutes, replicated, infeasible] of [
    [1200, 2100, 5, false, []],
    [1199, 2100, 5, false, [['in-region', 1200]]],
    [1200, 2099, 5, true, []],
    [1200, 1800, 5, true, []],
    [1200, 1799, 5, true, [['dr-site', 1800]]],
    [1499, 86_400, 5, false, []],
    [1500, 86_400, 10, false, []],
    [HOUR, 6 * HOUR, 30, false, []],
    [4500, 6 * HOUR, 60, false, []],
    [8100, 6 * HOUR, 120, false, []],
    [87_300, 87_300, 720, false, []],
    [87_300, 88_200, 1440, false, []],
  ] as const) {
    test(`RPO ${rpo} s, DR ${drRpo} s: every ${minutes} min`, () => {
      const result = forVolume(rpo, drRpo);
      assert.equal(result.volumes[0].export?.intervalMinutes, minutes);
      assert.equal(result.volumes[0].replicated, replicated);
      assert.deepEqual(
        result.infeasible.map(({ site, nearestFeasibleSeconds }) => [site, nearestFeasibleSeconds]),
        infeasible,
      );
    });
  }

  test('a quicker export would meet it', () => {
    assert.deepEqual(forVolume(600, HOUR).infeasible[0].remedies, [
      'exports that are known to take at most 1m 30s (assumption exportSeconds): 6m 30s',
    ]);
  });
});

test('a volume always has a daily AWS Backup in the Region beside the export', () => {
  const result = forVolume(HOUR, 6 * HOUR);
  assert.deepEqual(result.volumes, [
    {
      name: 'repository',
      rules: [
        {
          name: 'snapshot',
          intervalHours: 24,
          scheduleExpression: 'cron(0 0 * * ? *)',
          startWindowMinutes: 60,
          completionWindowMinutes: 120,
          continuous: false,
          retentionDays: 35,
        },
      ],
      export: { intervalMinutes: 30, scheduleExpression: 'cron(0/30 * * * ? *)' },
      replicated: false,
    },
  ]);
  assert.deepEqual(
    result.lines.map(({ site, technique, purpose }) => [site, technique, purpose]),
    [
      ['in-region', 'artifact-export', 'promise'],
      ['in-region', 'backup-snapshot', 'history'],
      ['dr-site', 'artifact-export-replicated', 'promise'],
    ],
  );
});

test('EFS replication is beside the replicated export, which undoes a deletion', () => {
  assert.deepEqual(
    forVolume(1200, 2099)
      .lines.filter(({ site }) => site === 'dr-site')
      .map(({ technique, purpose, worstCaseSeconds }) => [technique, purpose, worstCaseSeconds]),
    [
      ['efs-replication', 'promise', 1800],
      ['artifact-export-replicated', 'history', 2100],
    ],
  );
});

test('without the export, AWS Backup and its copies carry the promise', () => {
  const result = forVolume(4 * HOUR, 7 * HOUR, { without: ['artifact-export', 'efs-replication'] });
  assert.deepEqual(promises(result), ['backup-snapshot 4', 'backup-copy 7']);
  assert.equal(result.volumes[0].export, undefined);
  assert.deepEqual(
    result.volumes[0].rules.map(({ scheduleExpression, copyRetentionDays }) => [scheduleExpression, copyRetentionDays]),
    [['cron(0 0/2 * * ? *)', 35]],
  );
});

test('a long job gets a longer completion window', () => {
  const window = (backupJobSeconds: number) =>
    forDatabase(WINDOWS, 27 * HOUR, 48 * HOUR, { assumptions: { backupJobSeconds } }).databases[0].rules[0]
      .completionWindowMinutes;
  assert.equal(window(60), 120);
  assert.equal(window(3600), 120);
  assert.equal(window(3601), 121);
});

describe('input that nobody can plan with', () => {
  for (const [assumptions, problem] of [
    [{ exportSeconds: 0 }, /`assumptions\.exportSeconds` must be more than 0, got 0/],
    [{ exportSeconds: NaN }, /`assumptions\.exportSeconds`/],
    [{ copyJobSeconds: Infinity }, /`assumptions\.copyJobSeconds` must be more than 0 and at most 43200, got Infinity/],
    [{ backupJobSeconds: 43_201 }, /`assumptions\.backupJobSeconds` must be more than 0 and at most 43200/],
    [{ backupJob: 1 }, /`assumptions` must be of backupJobSeconds, .*, got 'backupJob'/],
  ] as const) {
    test(JSON.stringify(assumptions), () => {
      assert.throws(() => forDatabase({}, 86_400, 172_800, { assumptions: assumptions as never }), problem);
    });
  }

  test('jobs of half a day are planned with', () => {
    const jobs = { backupJobSeconds: 43_200, copyJobSeconds: 43_200 };
    // A day apart, for both of the backup jobs: 24 h + 1 h + 12 h + 2 h + 12 h.
    assert.deepEqual(promises(forDatabase(WINDOWS, 86_400, 51 * HOUR, { assumptions: jobs })), [
      'backup-continuous 0.08333333333333333',
      'backup-copy 51',
    ]);
  });

  test('sizes, windows and techniques, all named at once', () => {
    assert.throws(
      () =>
        forDatabase({ sizeGib: 0, backupWindow: 'noon', without: ['backup-copy'] }, HOUR, 6 * HOUR, {
          assumptions: { checksSeconds: -1 },
        }),
      (error: Error) => {
        assert.equal(error.constructor.name, 'PlanInputError');
        assert.deepEqual(error.message.split('\n'), [
          '`assumptions.checksSeconds` must be more than 0, got -1: measure it, or leave it out',
          "`backupWindow` of db must be hh:mm-hh:mm in UTC, at least 30 minutes long, got 'noon': copy it from RDS",
          '`sizeGib` of db must be more than 0, got 0: measure it, or leave it out',
          '`without` of db must be of backup-continuous, rds-automated-backup-replication, artifact-export, ' +
            'efs-replication, got backup-copy: what undoes a deletion cannot be left out',
        ]);
        return true;
      },
    );
  });
});
