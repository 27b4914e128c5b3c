import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readConfiguration } from '../../bin/configuration/configuration';
import { addStacks } from '../../bin/recovery-app';

const SAMPLES = join(__dirname, '../../bin/sample');
const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
const file = join(folder, 'recovery.toml');
after(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string) => {
  writeFileSync(file, text);
  return readConfiguration(file);
};

const MINIMAL = `
name = "is"
deployment = "conf/deployment.toml"
[regions]
primary = "eu-central-1"
dr = "eu-west-1"
[objectives]
rpo = "1h"
rto = "PT4H"
[objectives.dr_site]
rpo = "6h"
rto = "1d"
`;

const EXISTING = `
[existing]
vpc_id = "vpc-0a1"
availability_zones = ["eu-central-1a", "eu-central-1b"]
subnet_ids = ["subnet-0a1", "subnet-0b2"]
[[existing.database]]
instance_arn = "arn:aws:rds:eu-central-1:111122223333:db:prod-is"
secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:is-AbCdEf"
datasources = ["identity_db", "shared_db"]
[[existing.volume]]
file_system_id = "fs-0a1"
access_point_id = "fsap-0a1"
security_group_id = "sg-0a1"
mounted_at = "repository"
`;

test('the least there can be', () => {
  const configuration = read(`${MINIMAL}\n[sample]`);
  assert.equal(configuration.deploymentPath, join(folder, 'conf/deployment.toml'));
  assert.equal(configuration.account, undefined);
  assert.equal(configuration.objectives.rto.toSeconds(), 14_400);
  assert.equal(configuration.objectives.drSite.rto.toSeconds(), 86_400);
  assert.equal(configuration.drillSchedule, undefined);
  assert.equal(configuration.inRegionRecovery, false);
  assert.equal(configuration.destroy, false);
  assert.deepEqual(configuration.email, []);
  assert.equal(configuration.existing, undefined);
});

test('all there can be, and an existing deployment', () => {
  const configuration = read(`account = "111122223333"\n${MINIMAL}
[drill]
schedule = "cron(0 3 * * ? *)"
in_region = true
[removal]
policy = "destroy"
[notifications]
email = ["ops@example.com"]
[site]
name = "dr"
${EXISTING}`);
  assert.equal(configuration.account, '111122223333');
  assert.equal(configuration.drillSchedule, 'cron(0 3 * * ? *)');
  assert.equal(configuration.inRegionRecovery, true);
  assert.equal(configuration.destroy, true);
  assert.equal(configuration.siteName, 'dr');
  assert.deepEqual(configuration.email, ['ops@example.com']);
  assert.deepEqual(configuration.existing?.volumes, [
    {
      name: undefined,
      fileSystemId: 'fs-0a1',
      accessPointId: 'fsap-0a1',
      securityGroupId: 'sg-0a1',
      mountedAt: 'repository',
      path: undefined,
      files: undefined,
      size: undefined,
      without: undefined,
    },
  ]);
});

const SAMPLE_DEPLOYMENT = join(SAMPLES, 'deployment.toml');

/** The templates of a configuration of the sample. */
function templatesOf(more: string): { readonly site: Template; readonly primary: Template } {
  const app = new App();
  addStacks(app, { ...read(MINIMAL + more), account: '111122223333', deploymentPath: SAMPLE_DEPLOYMENT });
  const [site, primary] = ['RecoverySite', 'IdentityServer'].map((id) =>
    Template.fromStack(app.node.findChild(id) as Stack),
  );
  return { site: site!, primary: primary! };
}

test('drills in the primary Region have a schedule of their own', () => {
  const drill = '[drill]\nschedule = "rate(30 days)"\nin_region = true\n';
  const { site, primary } = templatesOf(`${drill}in_region_schedule = "rate(7 days)"\n[sample]`);
  primary.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(7 days)' });
  site.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(30 days)' });
  assert.deepEqual(
    templatesOf(`${drill}[sample]`).primary.findResources('AWS::Events::Rule', {
      Properties: { ScheduleExpression: 'rate(7 days)' },
    }),
    {},
  );
  assert.throws(
    () => read(`${MINIMAL}[drill]\nschedule = "rate(7 days)"\nin_region_schedule = "rate(7 days)"\n[sample]`),
    /drill\.in_region_schedule.*must be there with `in_region = true` alone/,
  );
});

test('how manifests are signed', () => {
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/mrk-0a1b';
  const keysOf = (text: string) =>
    Object.values(templatesOf(`${text}\n[sample]`).site.findResources('AWS::KMS::Key')).filter(
      ({ Properties }) => (Properties as { readonly KeySpec?: string }).KeySpec === 'HMAC_256',
    ).length;
  assert.equal(keysOf(''), 1);
  assert.equal(keysOf('[manifests]\nauthentication = "site-key"\naccept_unsigned = true'), 1);
  assert.equal(keysOf('[manifests]\nauthentication = "none"'), 0);
  assert.equal(keysOf(`[manifests]\nkey = "${key}"`), 0);
  assert.deepEqual(read(`${MINIMAL}[manifests]\nkey = "${key}"\n[sample]`).manifests, {
    signed: true,
    keyArn: key,
    acceptUnsigned: false,
  });
  for (const [text, message] of [
    ['authentication = "yes"', /manifests\.authentication.*"site-key" \(default\) or "none", got "yes"/],
    ['key = "alias/mine"', /manifests\.key.*must be the ARN of a multi-Region KMS key/],
    [`key = "${key}"\nauthentication = "none"`, /manifests\.key.*must be there without `authentication`, got both/],
    ['signed = true', /manifests.*signed/],
  ] as const) {
    assert.throws(() => read(`${MINIMAL}[manifests]\n${text}\n[sample]`), message);
  }
});

test('keys of recovery points and messages', () => {
  const key = (region: string) => `arn:aws:kms:${region}:111122223333:key/0a1b`;
  const { primary, site } = templatesOf(
    `[keys]\nprimary = "${key('eu-central-1')}"\ndr = "${key('eu-west-1')}"\n[sample]`,
  );
  for (const [template, region] of [
    [primary, 'eu-central-1'],
    [site, 'eu-west-1'],
  ] as const) {
    template.hasResourceProperties('AWS::Backup::BackupVault', { EncryptionKeyArn: key(region) });
  }
  assert.deepEqual(read(`${MINIMAL}[sample]`).keys, {});
  assert.throws(
    () => read(`${MINIMAL}[keys]\nprimary = "alias/mine"\n[sample]`),
    /keys\.primary.*must be the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key\/ID, got "alias\/mine"/,
  );
  assert.throws(() => read(`${MINIMAL}[keys]\ndr_site = "x"\n[sample]`), /keys.*dr_site/);
});

test('rows of production are counted where it is asked for, and the function reaches Secrets Manager', () => {
  assert.deepEqual(read(`${MINIMAL}[sample]`).rowCounts, undefined);
  const { primary } = templatesOf('[row_counts]\ninterval = "30m"\n[sample]');
  primary.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(30 minutes)' });
  const rules = Object.values(primary.findResources('AWS::EC2::SecurityGroupIngress')).filter(
    ({ Properties }) =>
      Properties.FromPort === 443 && /RowCount/.test(JSON.stringify(Properties.SourceSecurityGroupId)),
  );
  assert.equal(rules.length, 1);
  assert.throws(() => read(`${MINIMAL}[row_counts]\nevery = "1h"\n[sample]`), /row_counts.*every/);
});

test('an air-gapped vault, with the words that say what it means', () => {
  const vaults = (text: string) =>
    Object.values(
      templatesOf(`${text}\n[sample]`).site.findResources('AWS::Backup::LogicallyAirGappedBackupVault'),
    ).map(({ Properties }) => [Properties.MinRetentionDays, Properties.MaxRetentionDays]);
  const words = 'acknowledgement = "nobody can delete it before its retention ends, and I pay for it until then"';
  assert.deepEqual(vaults(''), []);
  assert.deepEqual(vaults(`[air_gapped_vault]\n${words}\nmin_retention = "14d"\nmax_retention = "400d"`), [[14, 400]]);
  assert.throws(() => vaults('[air_gapped_vault]\nacknowledgement = "yes"'), /must be 'nobody can delete it/);
  assert.throws(
    () => read(`${MINIMAL}[air_gapped_vault]\n[sample]`),
    /air_gapped_vault\.acknowledgement.*must be the words of docs\/security\.md, got nothing/,
  );
});

test('restore testing of AWS Backup', () => {
  const plans = (text: string) =>
    templatesOf(`${text}\n[sample]`).site.findResources('AWS::Backup::RestoreTestingPlan');
  assert.deepEqual(plans(''), {});
  const [plan] = Object.values(plans('[restore_testing]\nschedule = "cron(0 4 1 * ? *)"\nselection_window = "2d"'));
  assert.equal(plan!['Properties'].ScheduleExpression, 'cron(0 4 1 * ? *)');
  assert.equal(plan!['Properties'].RecoveryPointSelection.SelectionWindowDays, 2);
  assert.throws(
    () => read(`${MINIMAL}[restore_testing]\nschedule = "rate(7 days)"\n[sample]`),
    /restore_testing\.schedule.*must be cron\(\.\.\.\), got "rate\(7 days\)"/,
  );
  assert.throws(() => read(`${MINIMAL}[restore_testing]\nwindow = "1h"\n[sample]`), /restore_testing.*window/);
});

test('AWS Backup Audit Manager', () => {
  const frameworks = (text: string) =>
    Object.keys(templatesOf(`${text}\n[sample]`).primary.findResources('AWS::Backup::Framework')).length;
  assert.equal(frameworks(''), 0);
  assert.ok(frameworks('[audit]') >= 2);
  const { primary } = templatesOf('[audit]\nreports = true\nresource_tag = { key = "app", value = "is" }\n[sample]');
  assert.ok(Object.keys(primary.findResources('AWS::Backup::ReportPlan')).length >= 2);
  assert.deepEqual(read(`${MINIMAL}[audit]\nrestore_time = true\n[sample]`).audit, {
    resourceTag: undefined,
    restoreTime: true,
    reports: false,
  });
  for (const [text, message] of [
    ['reports = "yes"', /audit\.reports.*"yes"/],
    ['resource_tag = { key = "app" }', /audit\.resource_tag\.value.*got nothing/],
    ['resource_tag = { key = "app", value = "is", more = "x" }', /more/],
    ['report = true', /audit.*report/],
  ] as const) {
    assert.throws(() => read(`${MINIMAL}[audit]\n${text}\n[sample]`), message);
  }
});

test('an existing deployment becomes a stack that makes no database and no network', () => {
  const app = new App();
  const deploymentPath = join(__dirname, '../../bin/sample/deployment.toml');
  addStacks(app, { ...read(MINIMAL + EXISTING), account: '111122223333', deploymentPath, email: ['ops@example.com'] });
  const stack = app.node.findChild('IdentityServerRecovery');
  const template = Template.fromStack(stack as never);
  for (const type of ['AWS::RDS::DBInstance', 'AWS::EC2::VPC', 'AWS::EFS::FileSystem', 'AWS::SecretsManager::Secret']) {
    template.resourceCountIs(type, 0);
  }
  template.hasResourceProperties('AWS::Backup::BackupSelection', {
    BackupSelection: { Resources: ['arn:aws:rds:eu-central-1:111122223333:db:prod-is'] },
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-0a1', FromPort: 2049 });
  template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
});

test('an existing deployment by its host names, which references resolve to', () => {
  const app = new App();
  const deploymentPath = join(__dirname, '../../bin/sample/deployment.toml');
  const existing = EXISTING.replace(/^datasources = .*$/m, 'hostnames = ["is.internal.example.com"]');
  const configuration = read(`${MINIMAL}${existing}
[resolve]
"env:DB_HOST" = "IS.internal.example.com"
`);
  assert.deepEqual(configuration.resolve, { 'env:DB_HOST': 'IS.internal.example.com' });
  assert.equal(configuration.existing?.databases[0].datasources, undefined);
  addStacks(app, { ...configuration, account: '111122223333', deploymentPath });
  const nothing = { ...configuration, account: '111122223333', deploymentPath, resolve: {} };
  assert.throws(
    () => addStacks(new App(), nothing),
    /must cover every database .* offered: prod-is \(is\.internal\.example\.com\)/,
  );
});

test('the sample of an existing deployment synthesizes as it is', () => {
  const app = new App();
  addStacks(app, { ...readConfiguration(join(SAMPLES, 'existing.toml')), account: '111122223333' });
  const template = Template.fromStack(app.node.findChild('IdentityServerRecovery') as never);
  template.hasResourceProperties('AWS::Backup::BackupSelection', {
    BackupSelection: { Resources: ['arn:aws:rds:eu-central-1:111122223333:db:wso2is'] },
  });
  template.resourceCountIs('AWS::RDS::DBInstance', 0);
});

test('what the sample of an existing deployment leaves out is read too', () => {
  const text = readFileSync(join(SAMPLES, 'existing.toml'), 'utf8');
  // `# key = value` and `# [table]`; not the explanations, and not the placeholders, which say what the default is.
  const optional = /^# (\[[a-z_.]+\]|[a-z_]+ = (?:true|"[^".][^"]*"|\[.*\]))$/gm;
  assert.equal(text.match(optional)?.length, 35);
  const configuration = read(text.replace(optional, '$1'));
  assert.equal(configuration.account, '111122223333');
  assert.deepEqual(configuration.email, ['ops@example.com']);
  assert.equal(configuration.destroy, false);
  assert.equal(configuration.inRegionDrillSchedule, 'rate(7 days)');
  assert.deepEqual(configuration.manifests, { signed: true, keyArn: undefined, acceptUnsigned: true });
  assert.match(configuration.keys.dr!, /^arn:aws:kms:eu-west-1:111122223333:key\/01234567-/);
  assert.deepEqual(configuration.audit, { resourceTag: undefined, restoreTime: false, reports: true });
  assert.equal(configuration.drAccount, '444455556666');
  assert.match(configuration.existing!.databases[0]!.drSiteSecretArn!, /:444455556666:secret:wso2is-GhIjKl$/);
  assert.equal(configuration.existing?.databases[0]?.name, 'database');
  assert.equal(configuration.existing?.databases[0]?.maintenanceWindow, 'sun:03:00-sun:04:00');
  assert.equal(configuration.existing?.databases[0]?.backupWindow, '02:00-02:30');
  assert.equal(configuration.existing?.databases[0]?.drSiteParameterGroup, 'wso2is');
  assert.equal(configuration.existing?.databases[0]?.drSiteOptionGroup, 'wso2is');
  assert.equal(configuration.existing?.databases[0]?.drillInstanceClass, 'db.t4g.large');
  assert.deepEqual(configuration.existing?.serverDirectory, {
    fileSystemId: 'fs-0123456789abcdef0',
    accessPointId: 'fsap-0123456789abcdef1',
    securityGroupId: 'sg-0123456789abcdef0',
    productVersion: undefined,
  });
  assert.equal(configuration.existing?.volumes[0]?.path, '/repository');
});

describe('what cannot be used', () => {
  const cases: [string, string, string][] = [
    [
      'neither sample nor existing',
      MINIMAL,
      '`existing` must be there, or else `sample`, got none of the two: write [sample] to try it out, [existing] for a deployment of your own',
    ],
    [
      'both',
      `${MINIMAL}\n[sample]\n${EXISTING}`,
      '`existing` must be there, or else `sample`, got both: write [sample] to try it out, [existing] for a deployment of your own',
    ],
    ['a missing key', `${MINIMAL.replace('name = "is"', '')}\n[sample]`, '`name` must be a name, got nothing: add it'],
    ['a missing table', '[sample]', '`regions` must be a table, got nothing: add [regions]'],
    [
      'a Region that is none',
      `${MINIMAL.replace('eu-west-1', 'Ireland')}\n[sample]`,
      '`regions.dr` must be a Region\'s name as eu-central-1, got "Ireland": correct it',
    ],
    [
      'a duration without unit',
      `${MINIMAL.replace('"1h"', '"60"')}\n[sample]`,
      '`objectives.rpo` must be a duration: 30m, 4h, 7d, 1h30m, or ISO 8601 as PT4H, got "60": correct it',
    ],
    [
      'an account that is a number',
      `account = 111122223333\n${MINIMAL}\n[sample]`,
      '`account` must be an account id of twelve digits in quotes, got 111122223333: correct it',
    ],
    [
      'a schedule that is none',
      `${MINIMAL}\n[drill]\nschedule = "weekly"\n[sample]`,
      '`drill.schedule` must be rate(...) or cron(...), got "weekly": correct it',
    ],
    [
      'a key that nothing reads',
      `${MINIMAL}\n[sample]\nsize = "large"`,
      '`sample.size` is not known here, known: nothing: correct the name or remove it',
    ],
    [
      'a secret without its suffix',
      MINIMAL + EXISTING.replace('is-AbCdEf', 'is'),
      '`existing.database[0].secret_arn` must be the complete ARN of a secret, its random suffix included, got "arn:aws:secretsmanager:eu-central-1:111122223333:secret:is": correct it',
    ],
    [
      'a reference whose value is no text',
      `${MINIMAL}\n[resolve]\n"env:DB_PORT" = 5432\n[sample]`,
      '`resolve.env:DB_PORT` must be a text, the value of the reference, got 5432: correct it',
    ],
    [
      'an empty list of databases',
      MINIMAL + EXISTING.replace('["identity_db", "shared_db"]', '[]'),
      '`existing.database[0].datasources` must be a list of databases of deployment.toml, got []: correct it',
    ],
    [
      'no volume',
      MINIMAL + EXISTING.slice(0, EXISTING.indexOf('[[existing.volume]]')),
      '`existing.volume` must be one table or more, got nothing: add [[existing.volume]]',
    ],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => assert.throws(() => read(text), { name: 'ConfigurationError', message: `${file}: ${message}` }));
  }

  test('no file', () => {
    const missing = join(folder, 'missing.toml');
    assert.throws(() => readConfiguration(missing), {
      message: `${missing} must be a configuration file, got none (ENOENT): copy bin/sample/recovery.toml, or name yours with -c config=FILE`,
    });
  });

  test('not TOML: line and column', () => {
    assert.throws(
      () => read('name = "is"\nregions = ['),
      (error: Error) => {
        assert.match(error.message, /recovery\.toml, line 2, column 11: /);
        return true;
      },
    );
  });
});

test('what the plan is made with', () => {
  const configuration = read(`${MINIMAL}
[retention]
all = "14d"
monthly = "400d"
efs_cold_storage_after = "30d"
[assumptions]
backup_job = "20m"
${EXISTING.replace('datasources =', 'maintenance_window = "sun:03:00-sun:04:00"\nbackup_window = "02:00-02:30"\ndr_parameter_group = "is-params"\ndr_option_group = "is-options"\ndrill_instance_class = "db.t4g.large"\nsize_gib = 50\nwithout = ["rds-automated-backup-replication"]\ndatasources =').replace('mounted_at', 'files = 500000\nmounted_at')}`);
  assert.equal(configuration.retention?.all?.toDays(), 14);
  assert.equal(configuration.assumptions?.backupJob?.toMinutes(), 20);
  const app = new App();
  addStacks(app, { ...configuration, deploymentPath: join(__dirname, '../../bin/sample/deployment.toml') });
  const plans = app.node.findChild('IdentityServerRecovery');
  Template.fromStack(plans as Stack).hasResourceProperties('AWS::Backup::BackupPlan', {
    BackupPlan: {
      BackupPlanName: 'is-repository',
      BackupPlanRule: [
        { RuleName: 'snapshot', Lifecycle: { DeleteAfterDays: 14 } },
        { RuleName: 'monthly', Lifecycle: { DeleteAfterDays: 400, MoveToColdStorageAfterDays: 30 } },
      ],
    },
  });
});

describe('what the plan cannot be made with', () => {
  for (const [where, line, problem] of [
    [
      '[retention]',
      'all = "2 weeks"',
      /`retention\.all` must be a duration: 30m, 4h, 7d, .*, got "2 weeks": correct it/,
    ],
    ['[retention]', 'hourly = "2d"', /`retention\.hourly` is not known here, known: all, copies, daily/],
    ['[assumptions]', 'backup = "2h"', /`assumptions\.backup` is not known here/],
  ] as const) {
    test(`${where} ${line}`, () => assert.throws(() => read(`${MINIMAL}\n${where}\n${line}\n[sample]`), problem));
  }
  test('sizes and techniques of a component', () => {
    const withLine = (line: string) => read(MINIMAL + EXISTING.replace('mounted_at', `${line}\nmounted_at`));
    assert.throws(
      () => withLine('size_gib = 0'),
      /`existing\.volume\[0\]\.size_gib` must be a number more than 0, got 0/,
    );
    assert.throws(
      () => withLine('without = ["backup-copy"]'),
      /must be a list of backup-continuous, .*got \["backup-copy"\]/,
    );
  });
});

test('a DR site in another account: its stack is there, and the secret of the database', () => {
  const text = `account = "111122223333"\n${MINIMAL.replace('rpo = "6h"', 'rpo = "8h"')}`
    .replace('dr = "eu-west-1"', 'dr = "eu-west-1"\ndr_account = "444455556666"')
    .concat(
      EXISTING.replace(
        'datasources',
        'dr_secret_arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:is-GhIjKl"\ndatasources',
      ),
      '[manifests]\nkey = "arn:aws:kms:eu-west-1:444455556666:key/mrk-0123456789abcdef0123456789abcdef"\n',
    );
  const app = new App();
  addStacks(app, {
    ...read(text),
    deploymentPath: join(__dirname, '../../examples/configuration-file/deployment.toml'),
  });
  const accounts = app.node.children.map((child) => [child.node.id, (child as Stack).account]);
  assert.deepEqual(accounts, [
    ['RecoverySite', '444455556666'],
    ['IdentityServerRecovery', '111122223333'],
  ]);
  const { Resources } = Template.fromStack(app.node.findChild('IdentityServerRecovery') as Stack).toJSON();
  assert.match(JSON.stringify(Resources), /444455556666:secret:is-GhIjKl/);
});

test('the number of an account is text, of the DR site too', () => {
  assert.throws(() => read(MINIMAL.replace('dr = ', 'dr_account = 444455556666\ndr = ').concat('[sample]')), {
    message: /`regions\.dr_account` must be an account id of twelve digits in quotes, got 444455556666/,
  });
});
