// checkov's rules for CloudFormation over the sample's stacks: what it finds is in a list with the reason, and the list holds nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { readConfiguration } from '../../bin/configuration/configuration';
import { addStacks } from '../../bin/recovery-app';
import { pythonEnvironment } from '../../local/venv';

/** Rule, what it is about (all of the kind where it is absent), and why the sample does not follow it. */
const ACCEPTED: readonly (readonly [rule: string, resource: RegExp, reason: string])[] = [
  [
    'CKV_AWS_115',
    /Function/,
    'reserved concurrency takes from the account what nothing here needs: schedules start one at a time, and an export refuses a second',
  ],
  [
    'CKV_AWS_116',
    /Function/,
    'what is invoked asynchronously has a failure destination, which says more than a dead-letter queue; failures raise alarms',
  ],
  [
    'CKV_AWS_117',
    /Function/,
    'only what reaches the volume or the databases is in a network: the others call AWS alone',
  ],
  [
    'CKV_AWS_158',
    /LogGroup/,
    'logs hold no secret and no personal data (test/life), and CloudWatch encrypts them with its own key',
  ],
  ['CKV_AWS_173', /Function/, 'environments hold names and ARNs, no secrets; Lambda encrypts them with its own key'],
  ['CKV_AWS_18', /Bucket/, 'access logging needs a bucket of the user; object-level events are CloudTrail’s'],
  ['CKV_AWS_7', /KMS::Key\.RecoverySiteManifestKey/, 'KMS rotates no HMAC keys'],
  ['CKV_AWS_118', /DBInstance/, 'of the sample: enhanced monitoring is for production'],
  ['CKV_AWS_149', /SecretsManager::Secret/, 'of the sample: encrypted with the key of Secrets Manager'],
  ['CKV_AWS_157', /DBInstance/, 'of the sample: one zone, to be cheap'],
  ['CKV_AWS_161', /DBInstance/, 'of the sample: WSO2 IS connects with a password'],
];

interface Finding {
  readonly check_id: string;
  readonly check_name: string;
  readonly resource: string;
}

const folder = mkdtempSync(join(tmpdir(), 'checkov-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('checkov finds nothing in the sample that is not accepted, with a reason', { timeout: 900_000 }, async () => {
  const app = new App({ outdir: join(folder, 'cdk.out') });
  const configuration = readConfiguration(join(__dirname, '../../bin/sample/recovery.toml'));
  // With everything that is optional and makes resources of its own.
  const optional = { inRegionRecovery: true, inRegionDrillSchedule: 'rate(7 days)', audit: { reports: true } };
  addStacks(app, { ...configuration, ...optional, account: '111122223333' });
  app.synth();
  const python = await pythonEnvironment(() => {}, { requirements: 'requirements-checkov.txt' });
  const findings: Finding[] = [];
  for (const stack of ['IdentityServer', 'RecoverySite']) {
    const template = join(folder, 'cdk.out', `${stack}.template.json`);
    const { stdout, stderr } = spawnSync(
      python,
      [
        join(dirname(python), 'checkov'),
        '-f',
        template,
        '--framework',
        'cloudformation',
        '--skip-download',
        '-o',
        'json',
      ],
      { encoding: 'utf8', env: { ...process.env, LOG_LEVEL: 'ERROR' }, maxBuffer: 64 * 1024 * 1024 },
    );
    const { summary, results } = JSON.parse(stdout || '{}') as {
      readonly summary?: { readonly passed: number; readonly parsing_errors: number };
      readonly results?: { readonly failed_checks: readonly Finding[] };
    };
    assert.ok(summary && summary.passed > 150 && summary.parsing_errors === 0, `${stdout.slice(0, 500)}${stderr}`);
    findings.push(...results!.failed_checks);
  }
  const accepts =
    ([rule, resource]: (typeof ACCEPTED)[number]) =>
    (found: Finding) =>
      found.check_id === rule && resource.test(found.resource);
  assert.deepEqual(
    findings
      .filter((found) => !ACCEPTED.some((row) => accepts(row)(found)))
      .map(({ check_id, check_name, resource }) => `${check_id} ${resource}: ${check_name}`),
    [],
  );
  assert.deepEqual(
    ACCEPTED.filter((row) => !findings.some(accepts(row))).map(([rule]) => rule),
    [],
  );
});
