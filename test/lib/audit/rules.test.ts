// cdk-nag's packs, our own rules and cfn-lint over what the audit adds, which the sample does not have.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } from 'cdk-nag';
import { RecoveryChecks } from '../../../lib';
import { cfnLint } from '../../cfn-lint';
import { Fixture } from '../fixture';

/** What the packs find of the bucket of reports, and why it stays. */
const ACCEPTED: Readonly<Record<string, string>> = {
  'AwsSolutions-S1': 'who reads and writes is for CloudTrail data events to say, which are the account owner’s choice',
  'HIPAA.Security-S3BucketLoggingEnabled': 'the same',
  'NIST.800.53.R5-S3BucketLoggingEnabled': 'the same',
  'HIPAA.Security-S3BucketReplicationEnabled': 'reports of a Region are of no use to a recovery in the other one',
  'NIST.800.53.R5-S3BucketReplicationEnabled': 'the same',
  'HIPAA.Security-S3DefaultEncryptionKMS': 'no secrets; AWS Backup’s role could not use a key without its policy',
  'NIST.800.53.R5-S3DefaultEncryptionKMS': 'the same',
};

const fixture = new Fixture();
const { app } = fixture;
after(() => rmSync(app.outdir, { recursive: true, force: true }));

Validations.of(app).addPlugins(
  new AwsSolutionsChecks(app),
  new NIST80053R5Checks(app),
  new HIPAASecurityChecks(app),
  new RecoveryChecks(app),
);
fixture.addRecovery({
  audit: { reports: true, restoreTime: true, resourceTag: { key: 'app', value: 'is' } },
});
// Findings of the fixture too fail the synth once everything is written.
assert.throws(() => app.synth(), { name: /ValidationFailed/ });

test('the packs find nothing of the audit that has no reason, and each exception excuses something', () => {
  const report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')) as {
    readonly pluginReports: readonly {
      readonly violations: readonly {
        readonly ruleName: string;
        readonly violatingConstructs: readonly { readonly constructPath: string }[];
      }[];
    }[];
  };
  const found = report.pluginReports
    .flatMap(({ violations }) => violations)
    .filter(({ violatingConstructs }) =>
      violatingConstructs.some(({ constructPath }) => constructPath.includes('/BackupAudit/')),
    )
    .map(({ ruleName }) => ruleName);
  assert.deepEqual([...new Set(found)].sort(), Object.keys(ACCEPTED).sort());
});

test('cfn-lint finds nothing but the zones of the fixture', async () => {
  const { findings } = await cfnLint([join(app.outdir, 'Is.template.json')]);
  assert.deepEqual(
    findings.split('\n\n').filter((finding) => finding !== '' && !finding.startsWith('W3010')),
    [],
  );
});
