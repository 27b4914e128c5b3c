// What each function's contract says of its environment is what the constructs set, and no more.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { App, Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { DeploymentToml, ManifestAuthentication, ProtectedDatabase, Volume } from '../../lib';
import { Fixture } from '../lib/fixture';

const folder = join(__dirname, '../../lambda');

/** The last parts of the path of the construct, and the folder of its function. */
const FUNCTIONS: readonly (readonly [RegExp, string])[] = [
  [/\/Drill$/, 'drill'],
  [/\/Reaper$/, 'reaper'],
  [/\/(Restore|Adopt)$/, 'restore'],
  [/\/Check$/, 'check'],
  [/\/DrillWatch\/Function$/, 'watch'],
  [/\/PointWatch\/Function$/, 'watch-points'],
  [/\/DriftWatch\/Function$/, 'drift'],
  [/\/Messages\/Function$/, 'tell'],
  [/\/Export-\w+Run$/, 'export'],
  [/\/Export-\w+$/, 'export-turn'],
  [/\/RowCount$/, 'count'],
  [/\/RestoreTesting\/Validate$/, 'restore-testing'],
  [/\/Baseline$/, 'baseline'],
];

/** Set by the CDK, or read for tests alone. */
const NOT_SET = ['TURN_SECONDS'];

/** What follows `Environment:` in the comment of a contract, up to its next paragraph. */
function documented(name: string): string[] {
  const text = readFileSync(join(folder, name, 'contract.ts'), 'utf8');
  const [, paragraph = ''] = /Environment: ([^]*?)(?:\n \*\n|\n \*\/)/.exec(text) ?? [];
  return [...paragraph.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, variable]) => variable!);
}

const set = new Map<string, Set<string>>();

before(() => {
  const fixture = new Fixture({
    site: {
      vaultLock: {},
      objectLock: { retention: Duration.days(30) },
      restoreTesting: {},
      manifestAuthentication: ManifestAuthentication.withSiteKey({ acceptUnsigned: true }),
    },
  });
  const own = new lambda.Function(fixture.siteStack, 'Own', {
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = () => {}'),
  });
  fixture.site.addCheck('own', own);
  fixture.addRecovery({
    deployment: DeploymentToml.fromString(
      ['identity_db', 'shared_db']
        .map(
          (name) =>
            `[database.${name}]\ntype = "postgre"\nhostname = "db.example.com"\nport = 5432\nname = "${name}"\n`,
        )
        .join(''),
    ),
    databases: [
      ProtectedDatabase.fromInstance(fixture.database, {
        hostnames: ['db.example.com'],
        credentials: fixture.database.secret!,
      }),
    ],
    volumes: [Volume.fromAccessPoint(fixture.accessPoint, { mountedAt: 'repository' })],
    objectLock: { retention: Duration.days(30) },
    inRegionRecovery: { drillSchedule: events.Schedule.rate(Duration.days(7)) },
    rowCounts: {},
  });
  for (const stack of [fixture.stack, fixture.siteStack]) {
    const app = App.of(stack)!;
    assert.equal(app, fixture.app);
    for (const construct of stack.node.findAll()) {
      if (!(construct instanceof lambda.Function)) continue;
      const found = FUNCTIONS.find(([pattern]) => pattern.test(construct.node.path));
      if (!found) continue;
      const { environment } = construct.node.defaultChild as lambda.CfnFunction;
      const { variables = {} } = (stack.resolve(environment) ?? {}) as { variables?: object };
      const names = set.get(found[1]) ?? new Set<string>();
      for (const name of Object.keys(variables)) names.add(name);
      set.set(found[1], names);
    }
  }
});

const CONTRACTS = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'handler.ts')));

for (const name of CONTRACTS) {
  test(`the environment of ${name}`, () => {
    assert.ok(
      FUNCTIONS.some(([, each]) => each === name),
      `${name} is not in the list of this test`,
    );
    const variables = set.get(name);
    if (variables === undefined) return assert.equal(name, 'baseline', 'nothing makes it');
    const optional = name === 'drill' ? ['BOOT'] : name === 'reaper' ? ['BOOT_CLUSTER'] : [];
    const names = documented(name).filter((each) => !NOT_SET.includes(each) && !optional.includes(each));
    assert.deepEqual([...variables].sort(), names.sort());
  });
}
