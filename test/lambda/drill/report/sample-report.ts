import type { DrillReport, EarlierDrill, Verdict } from '../../../../lambda/drill/contract';

/** As a drill of one database and one volume leaves it; times as literals, so that every number below can be compared. */
export const PASSED_REPORT: DrillReport = {
  formatVersion: 1,
  mode: 'drill',
  site: 'dr-site',
  drillId: 'drill-20261124t042500-1a2b3c4d',
  deployment: 'login-example',
  region: 'eu-central-1',
  verdict: 'PASSED',
  causes: [],
  warnings: [],
  startedAt: '2026-11-24T04:25:00.000Z',
  checkedAt: '2026-11-24T05:01:40.000Z',
  endedAt: '2026-11-24T05:07:10.000Z',
  objectives: { rpoSeconds: 21_600, rtoSeconds: 28_800 },
  promisedRtoSeconds: 3000,
  measuredRpoSeconds: 5100,
  measuredRtoSeconds: 2200,
  skewSeconds: 312,
  passedOver: [
    {
      component: 'repository',
      id: 'archives/login-example/repository/manifests/20261124T042000Z',
      reason: 'pack 3f09 has not arrived at this site yet',
    },
  ],
  components: [
    {
      component: 'is-database',
      kind: 'database',
      technique: 'backup-copy',
      restoredFrom: 'arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:copyjob-6d8c1a52-7f0e-4a51',
      moment: '2026-11-24T03:00:00.000Z',
      promisedRpoSeconds: 18_000,
      measuredRpoSeconds: 5100,
      promisedRtoSeconds: 2400,
      measuredRtoSeconds: 1930,
      verdict: 'PASSED',
      reason: 'restored; 4 checks made',
    },
    {
      component: 'repository',
      kind: 'volume',
      technique: 'artifact-export-replicated',
      restoredFrom: 'archives/login-example/repository/manifests/20261124T030512Z',
      moment: '2026-11-24T03:05:12.000Z',
      promisedRpoSeconds: 6300,
      measuredRpoSeconds: 4788,
      measuredRtoSeconds: 95,
      verdict: 'PASSED',
      reason: 'restored; 4 checks made',
    },
  ],
  checks: [
    check(
      'datasource-connects',
      'is-database',
      'identity_db connects to database identity (PostgreSQL 17.4, encrypted)',
      {
        datasource: 'identity_db',
        server: 'PostgreSQL 17.4',
        encrypted: 'yes',
      },
    ),
    check('tables-present', 'is-database', 'shared_db: database shared holds all 7 tables of its kind', {
      tables: 52,
      tablesRequired: 7,
      'rows UM_TENANT': 300,
      'rows UM_USER': 12_450,
    }),
    check('tenants-agree', 'is-database + repository', 'all 300 tenants in UM_TENANT have their directory', {
      tenantsInDatabase: 300,
      tenantDirectories: 300,
    }),
    check('keystores-present', 'repository', 'all 3 keystores are there', {
      'primary: repository/resources/security/wso2carbon.p12': 'PKCS#12',
    }),
    check('encryption-key', 'repository', '[encryption] key is a reference, as planned', {
      plan: 'reference',
      restored: 'reference',
    }),
    check('artifact-hashes', 'repository', 'all 4210 files have the SHA-256 and size of the manifest', {
      filesInManifest: 4210,
      bytesCompared: 61_204_113,
    }),
  ],
  steps: [
    step('read recovery plan', '04:25:00', '04:25:01'),
    step('choose recovery set', '04:25:01', '04:25:09'),
    step('restore of repository', '04:25:09', '04:26:35', 'repository'),
    step('start restore of is-database', '04:25:09', '04:25:11', 'is-database'),
    step('restore of is-database', '04:25:11', '04:52:40', 'is-database'),
    step('tag restored is-database', '04:52:40', '04:52:41', 'is-database'),
    step('is-database available', '04:52:41', '04:57:10', 'is-database'),
    step('checks', '04:57:10', '05:01:40'),
    step('remove restored files', '05:01:41', '05:02:10'),
    step('delete is-database', '05:01:41', '05:07:09', 'is-database'),
  ],
  cleanUp: { complete: true, leftBehind: [] },
  plan: [],
  earlier: [
    earlier('20261117', 'PASSED', 6300, 2100),
    earlier('20261110', 'FAILED', 5400),
    earlier('20261103', 'PASSED_WITH_WARNINGS', 23_000, 2500),
    earlier('20261027', 'PASSED', 5000, 2300),
  ],
  changes: ['tables-present of is-database, shared_db: rows UM_USER was 12400, and is 12450 (+50)'],
  estimatedCost: {
    usd: 0.124,
    terms: [
      { component: 'is-database', what: 'db.r6g.large for 0.70 h', usd: 0.117 },
      { component: 'is-database', what: '100 GiB of storage for 0.70 h', usd: 0.001 },
      { component: 'repository', what: '4210 files, 0.06 GiB on EFS', usd: 0.005 },
      { component: 'functions', what: '356 s', usd: 0.001 },
    ],
    basis: 'estimate at list prices of us-east-1, without licences of database engines, free tiers and discounts',
  },
};

export const FAILED_REPORT: DrillReport = {
  ...PASSED_REPORT,
  verdict: 'FAILED',
  causes: [
    'is-database + repository: tenants-agree: 2 of 300 tenants in UM_TENANT have no directory in repository/tenants: 17 (acme.example), 42 (globex.example). Restore a recovery set whose export is not older than its database',
    'RPO not met: 7 h 10 min measured, at most 6 h wanted',
  ],
  warnings: [
    'repository: encryption-key: repository/conf/deployment.toml uses the public default of [encryption] key',
    'left behind: DB instance drill-20261124t042500-1a2b3c4d-1-is-database (is-database): AccessDenied: not authorized to perform rds:DeleteDBInstance',
  ],
  measuredRpoSeconds: 25_800,
  components: PASSED_REPORT.components.map((component) => ({
    ...component,
    verdict: 'FAILED',
    measuredRpoSeconds: 25_800,
  })),
  checks: PASSED_REPORT.checks.map((outcome) =>
    outcome.check === 'tenants-agree'
      ? {
          ...outcome,
          status: 'FAILED',
          reason:
            '2 of 300 tenants in UM_TENANT have no directory in repository/tenants: 17 (acme.example), 42 (globex.example)',
        }
      : outcome.check === 'encryption-key'
        ? { ...outcome, status: 'WARNING', reason: 'the public default of [encryption] key is used' }
        : outcome,
  ),
  steps: PASSED_REPORT.steps.map((each) =>
    each.name === 'delete is-database'
      ? { ...each, outcome: 'FAILED', detail: 'AccessDenied: not authorized to perform rds:DeleteDBInstance' }
      : each,
  ),
  cleanUp: {
    complete: false,
    leftBehind: [
      'DB instance drill-20261124t042500-1a2b3c4d-1-is-database (is-database): AccessDenied: not authorized to perform rds:DeleteDBInstance',
    ],
  },
};

function check(name: string, component: string, reason: string, compared: Record<string, string | number>) {
  return { check: name, component, status: 'PASSED' as const, reason, compared, durationMs: 120 };
}

function step(name: string, from: string, to: string, component?: string) {
  return {
    name,
    ...(component === undefined ? {} : { component }),
    startedAt: `2026-11-24T${from}.000Z`,
    endedAt: `2026-11-24T${to}.000Z`,
    outcome: 'OK' as const,
  };
}

function earlier(day: string, verdict: Verdict, measuredRpoSeconds: number, measuredRtoSeconds?: number): EarlierDrill {
  return {
    drillId: `drill-${day}t042500-0a1b2c3d`,
    startedAt: `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T04:25:00.000Z`,
    verdict,
    measuredRpoSeconds,
    ...(measuredRtoSeconds === undefined ? {} : { measuredRtoSeconds }),
  };
}

/** The same with markup and long words wherever a name can be. */
export function hostile(report: DrillReport): DrillReport {
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') {
      if (/^(\d{4}-|PASSED|FAILED|WARNING|OK$|database$|volume$)/.test(value)) return value;
      return `${HOSTILE}${key === 'reason' ? 'x'.repeat(300) : ''}`;
    }
    if (Array.isArray(value)) return value.map((each) => poison(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, poison(inner, name)]));
  };
  const poisoned = poison(report) as DrillReport;
  return { ...poisoned, checks: poisoned.checks.map((each) => ({ ...each, compared: { [HOSTILE]: HOSTILE } })) };
}

export const HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>\'&' + 'w'.repeat(80);
