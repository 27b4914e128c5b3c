// Every kind of deployment that IS runs in on AWS has an example to copy. Each is synthesized once, as `cdk synth` does, and
// held to what its first lines say; all are linted.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { CloudAssembly } from 'aws-cdk-lib/cx-api';
import { readConfiguration } from '../bin/configuration/configuration';
import { addStacks } from '../bin/recovery-app';
import { cfnLint } from './cfn-lint';
import { auditPolicies, type Template } from './policy-audit';
import { SOAK } from './soak';

const root = join(__dirname, '..');
const examples = join(root, 'examples');

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
type Resources = Readonly<Record<string, Resource>>;

const outdir = mkdtempSync(join(tmpdir(), 'examples-'));
after(() => rmSync(outdir, { recursive: true, force: true }));

/** Runs an example as the CDK's command does: with the context of cdk.json, and told where to write. */
async function synthesize(file: string): Promise<CloudAssembly> {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
  const folder = join(outdir, file.replaceAll('/', '-'));
  Object.assign(process.env, {
    CDK_OUTDIR: folder,
    // Bundles are read where they are: only the templates count here.
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'aws:cdk:disable-asset-staging': true }),
  });
  const listeners = process.listeners('beforeExit');
  try {
    if (file.endsWith('.toml')) {
      const app = new App();
      addStacks(app, readConfiguration(join(examples, file)));
      app.synth();
    } else {
      await import(join(examples, file));
    }
  } finally {
    // With an outdir given, an App synthesizes once more when the process ends.
    for (const listener of process.listeners('beforeExit'))
      if (!listeners.includes(listener)) process.removeListener('beforeExit', listener);
    delete process.env['CDK_OUTDIR'];
    delete process.env['CDK_CONTEXT_JSON'];
  }
  return new CloudAssembly(folder);
}

const template = (assembly: CloudAssembly, stack: string) =>
  assembly.getStackByName(stack).template as { readonly Resources: Resources };
const of = (resources: Resources, type: string) =>
  Object.values(resources).filter(({ Type }) => Type === `AWS::${type}`);
const said = (assembly: CloudAssembly, wanted: 'info' | 'warning') =>
  assembly.stacks.flatMap(({ messages }) =>
    messages.filter(({ level }) => level === wanted).map(({ entry }) => String(entry.data)),
  );
const warnings = (assembly: CloudAssembly) => said(assembly, 'warning');

/** The recovery plan document of the stack, its JSON in JSON read as one text. */
const planDocument = (assembly: CloudAssembly, stack: string) =>
  JSON.stringify(
    Object.values(template(assembly, stack).Resources).find(({ Type }) => Type === 'Custom::RecoveryPlanDocument'),
  ).replaceAll('\\', '');

/** Names of the backup plans, which say the deployment and the component. */
const plans = (assembly: CloudAssembly, stack: string) =>
  of(template(assembly, stack).Resources, 'Backup::BackupPlan')
    .map(({ Properties }) => (Properties['BackupPlan'] as { BackupPlanName: string }).BackupPlanName)
    .sort();

/** Where IS has what each export function of the stack exports. */
const exported = (assembly: CloudAssembly, stack: string) =>
  of(template(assembly, stack).Resources, 'Lambda::Function')
    .map(
      ({ Properties }) => (Properties['Environment'] as { Variables?: { MOUNTED_AT?: string } } | undefined)?.Variables,
    )
    .flatMap((variables) => variables?.MOUNTED_AT ?? [])
    .sort();

/** Whom the drills of the site's stack are of. */
const drilled = (assembly: CloudAssembly, stack: string) =>
  of(template(assembly, stack).Resources, 'Events::Rule')
    .map(({ Properties }) => /^Drills of (.+)$/.exec(String(Properties['Description']))?.[1])
    .filter((name) => name !== undefined)
    .sort();

const assemblies = new Map<string, CloudAssembly>();
const EXAMPLES = [
  'cdk-app/app.ts',
  'cdk-imported/app.ts',
  'cloudformation/include.ts',
  'cloudformation/outside.ts',
  'configuration-file/recovery.toml',
  'eks/app.ts',
  'several-databases/app.ts',
  'aurora/app.ts',
  'shared-site/app.ts',
  'other-account/app.ts',
  'mutual-sites/app.ts',
  'partitions/app.ts',
];

before(async () => {
  for (const file of EXAMPLES) assemblies.set(file, await synthesize(file));
});
const assembly = (file: string) => assemblies.get(file)!;

// Compared with cdk-app, out of the packages of their languages, in test/packages.
const OTHER_LANGUAGES = ['java', 'python'];

test('every example is tested here', () => {
  assert.deepEqual(
    readdirSync(examples, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(examples, entry.name, 'deployment.toml')))
      .map(({ name }) => name)
      .filter((name) => !EXAMPLES.some((file) => dirname(file) === name))
      .sort(),
    OTHER_LANGUAGES,
  );
});

test('in every stack of every example, policies keep to what they need', () => {
  for (const [file, { stacks }] of assemblies) {
    for (const stack of stacks)
      assert.deepEqual(auditPolicies(stack.template as Template), [], `${file}: ${stack.stackName}`);
  }
});

test('in every stack of every example, what holds backups stays when recovery is taken out', () => {
  for (const [file, { stacks }] of assemblies) {
    for (const { stackName, template } of stacks) {
      const { Resources } = template as { readonly Resources: Resources };
      const holders = ['Backup::BackupVault', 'S3::Bucket', 'KMS::Key'].flatMap((type) => of(Resources, type));
      assert.ok(holders.length >= 3, `${file}: ${stackName}`);
      for (const { Type, DeletionPolicy, UpdateReplacePolicy } of holders)
        assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], ['Retain', 'Retain'], `${file}: ${stackName}: ${Type}`);
      assert.doesNotMatch(JSON.stringify(Resources), /AutoDeleteObjects/, `${file}: ${stackName}`);
    }
  }
});

test('beside warnings, every example says its plan, and nothing else', () => {
  for (const [file, assembly] of assemblies) {
    const infos = said(assembly, 'info');
    assert.ok(infos.length > 0, file);
    for (const info of infos) assert.match(info, /^recovery plan of /, file);
  }
});

test('cdk-app: database, volume and drills, and nothing to warn of', () => {
  const app = assembly('cdk-app/app.ts');
  assert.deepEqual(plans(app, 'IdentityServer'), [
    'identityserver-database',
    'identityserver-database-pitr',
    'identityserver-repository',
  ]);
  assert.deepEqual(exported(app, 'IdentityServer'), ['repository']);
  assert.deepEqual(drilled(app, 'IdentityServerDr'), ['identityserver']);
  assert.deepEqual(warnings(app), []);
});

test('cdk-imported: the databases find the instance by its endpoint; automated backups are replicated', () => {
  const app = assembly('cdk-imported/app.ts');
  assert.deepEqual(plans(app, 'IdentityServerRecovery'), [
    'identityserverrecovery-database',
    'identityserverrecovery-database-pitr',
    'identityserverrecovery-repository',
  ]);
  const { Resources } = template(app, 'IdentityServerRecovery');
  assert.equal(of(Resources, 'RDS::DBInstance').length, 0);
  assert.match(JSON.stringify(Resources), /startDBInstanceAutomatedBackupsReplication/);
});

describe('cloudformation', () => {
  test('included: every resource of the template is as it was', () => {
    const app = assembly('cloudformation/include.ts');
    const { Resources } = template(app, 'wso2is');
    const database = Resources['Database']!;
    assert.equal(database.DeletionPolicy, 'Delete');
    assert.equal(database.Properties['BackupRetentionPeriod'], 0);
    const included = [
      'Database',
      'DatabaseSecurityGroup',
      'DatabaseSubnets',
      'Files',
      'FilesInSubnet1',
      'FilesInSubnet2',
    ];
    included.push('FilesSecurityGroup', 'Node1', 'Node2', 'NodeSecurityGroup');
    const alone = templateAlone();
    assert.deepEqual(Object.keys(alone).sort(), included);
    for (const id of included) assert.deepEqual(Resources[id], alone[id], id);
    assert.deepEqual(plans(app, 'wso2is'), ['wso2is-database', 'wso2is-database-pitr', 'wso2is-repository']);
  });

  test('included: what endangers recovery is said', () => {
    const found = warnings(assembly('cloudformation/include.ts'));
    const about = (text: RegExp) =>
      found.filter((warning) => text.test(warning)).map((warning) => warning.split(':')[0]);
    assert.deepEqual(about(/`BackupRetentionPeriod` should be at least 1, got 0/), ['database']);
    assert.deepEqual(about(/`DeletionPolicy` should be Retain or Snapshot, got Delete/), ['database', 'repository']);
    assert.deepEqual(about(/its storage should be encrypted/), ['database', 'repository']);
  });

  test('from outside: nothing of it is in the stack, and nothing is known to warn of but its windows', () => {
    const app = assembly('cloudformation/outside.ts');
    const { Resources } = template(app, 'IdentityServerRecovery');
    assert.equal(of(Resources, 'RDS::DBInstance').length + of(Resources, 'EFS::FileSystem').length, 0);
    assert.deepEqual(exported(app, 'IdentityServerRecovery'), ['repository']);
    assert.deepEqual(
      warnings(app).filter((warning) => /should be/.test(warning)),
      [],
    );
  });
});

test('configuration-file: the host of deployment.toml, and the time of the drill', () => {
  const app = assembly('configuration-file/recovery.toml');
  assert.deepEqual(plans(app, 'IdentityServerRecovery'), ['wso2is-repository', 'wso2is-wso2is', 'wso2is-wso2is-pitr']);
  const [rule] = of(template(app, 'RecoverySite').Resources, 'Events::Rule').filter(
    ({ Properties }) => Properties['Description'] === 'Drills of wso2is',
  );
  assert.equal(rule!.Properties['ScheduleExpression'], 'cron(0 4 ? * SUN *)');
  assert.deepEqual(warnings(app), []);
});

test('eks: the two folders that are volumes, deployment.toml out of the ConfigMap', () => {
  const app = assembly('eks/app.ts');
  assert.deepEqual(exported(app, 'IdentityServerRecovery'), [
    'repository/deployment/server/userstores',
    'repository/tenants',
  ]);
  assert.match(planDocument(app, 'IdentityServerRecovery'), /"type":"mssql","databaseName":"identity"/);
});

test('several-databases: three instances of three engines, three volumes', () => {
  const app = assembly('several-databases/app.ts');
  assert.deepEqual(
    plans(app, 'IdentityServerRecovery').filter((name) => !name.endsWith('-pitr')),
    ['conf', 'identity', 'resources', 'sessions', 'shared', 'tenants'].map((name) => `identityserverrecovery-${name}`),
  );
  assert.deepEqual(exported(app, 'IdentityServerRecovery'), [
    'repository/conf',
    'repository/resources',
    'repository/tenants',
  ]);
  const document = planDocument(app, 'IdentityServerRecovery');
  for (const type of ['postgre', 'mssql', 'mysql']) assert.match(document, new RegExp(`"type":"${type}"`));
});

test('aurora: protected and drilled', () => {
  const app = assembly('aurora/app.ts');
  assert.deepEqual(plans(app, 'IdentityServer')[0], 'identityserver-database');
  assert.deepEqual(drilled(app, 'IdentityServerDr'), ['identityserver']);
});

test('shared-site: two deployments of one account at one site', () => {
  const app = assembly('shared-site/app.ts');
  assert.deepEqual(drilled(app, 'IdentityServerDr'), ['customers', 'employees']);
  assert.deepEqual(plans(app, 'customers-recovery')[0], 'customers-database');
  assert.deepEqual(plans(app, 'employees-recovery')[0], 'employees-database');
});

test('other-account: what crosses goes to the account of the site by name, and no further than it has to', () => {
  const app = assembly('other-account/app.ts');
  const { Resources } = template(app, 'IdentityServerRecovery');
  const text = JSON.stringify(Resources);
  assert.match(text, /:backup:eu-west-1:444455556666:backup-vault:wso2is-recovery/);
  assert.match(text, /wso2is-recovery-444455556666-eu-west-1/);
  assert.match(text, /"MAC_KEYS":"arn:aws:kms:eu-central-1:444455556666:key\/mrk-0123456789abcdef0123456789abcdef"/);
  // Neither RDS nor Secrets Manager nor KMS replicates into another account.
  assert.doesNotMatch(text, /RdsAutomatedBackupReplication|ReplicaRegions|ManifestKeyReplica/);
  assert.match(
    planDocument(app, 'IdentityServerRecovery'),
    /"drSiteSecretArn":"arn:aws:secretsmanager:eu-west-1:444455556666:secret:identity-GhIjKl"/,
  );
  assert.deepEqual(drilled(app, 'IdentityServerDr'), ['production']);
  assert.equal(warnings(app).filter((warning) => /in one organisation/.test(warning)).length, 1);
});

test('mutual-sites: each Region drills what runs in the other; sites are deployed first', () => {
  const app = assembly('mutual-sites/app.ts');
  assert.deepEqual(drilled(app, 'site-us-east-1'), ['europe']);
  assert.deepEqual(drilled(app, 'site-eu-central-1'), ['america']);
  const before = (stack: string) =>
    app
      .getStackByName(stack)
      .dependencies.map(({ id }) => id)
      .filter((id) => !id.endsWith('.assets'));
  assert.deepEqual(before('europe-recovery'), ['site-us-east-1']);
  assert.deepEqual(before('america-recovery'), ['site-eu-central-1']);
  assert.deepEqual(before('site-us-east-1'), []);
});

test('partitions: no ARN names one, and what AWS has not announced there is said', () => {
  const app = assembly('partitions/app.ts');
  assert.equal(app.stacks.length, 4);
  for (const stack of app.stacks) assert.doesNotMatch(JSON.stringify(stack.template), /arn:aws(-[a-z]+)*:/, stack.id);
  const found = warnings(app).filter((warning) => /durable functions/.test(warning));
  assert.deepEqual(
    found.map((warning) => /^(\S+) need .* announced for (\S+) \(partition (\S+)\)/.exec(warning)?.slice(1)).sort(),
    [
      ['drills', 'cn-northwest-1', 'aws-cn'],
      ['drills', 'us-gov-east-1', 'aws-us-gov'],
      ['exports', 'cn-north-1', 'aws-cn'],
      ['exports', 'us-gov-west-1', 'aws-us-gov'],
    ],
  );
});

test('cfn-lint finds nothing', async () => {
  // What is in no other of them; all of them take a minute.
  const linted = (file: string, stack: string) =>
    SOAK ||
    ['cdk-app/app.ts IdentityServer', 'cloudformation/include.ts wso2is', 'aurora/app.ts IdentityServer'].includes(
      `${file} ${stack}`,
    );
  const files = [...assemblies].flatMap(([file, { stacks }]) =>
    stacks.filter(({ id }) => linted(file, id)).map(({ templateFullPath }) => templateFullPath),
  );
  // The included template has its password as a parameter.
  assert.deepEqual(await cfnLint(files, ['W1011']), { findings: '', status: 0 });
});

/** The template, included and nothing else: in JSON, as the CDK writes it. */
function templateAlone(): Resources {
  const app = new App({ outdir: join(outdir, 'alone') });
  const stack = new Stack(app, 'wso2is');
  new CfnInclude(stack, 'Template', { templateFile: join(examples, 'cloudformation/template.yaml') });
  return (app.synth().getStackByName('wso2is').template as { Resources: Resources }).Resources;
}
