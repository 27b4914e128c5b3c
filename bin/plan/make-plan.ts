import { readFileSync } from 'node:fs';
import { coverage, isLocalRegistry } from '../../lib/databases/coverage';
import { type ParsedDatabase, type ParsedDeployment, parseDeployment } from '../../lib/deployment/parse';
import { formatDuration } from '../../lib/planning/duration';
import { plan } from '../../lib/planning/plan';
import type { PlanLine, RecoveryTime, RestoreDependencies } from '../../lib/planning/plan-document';
import { planTable } from '../../lib/planning/plan-table';
import {
  ALL_TOGETHER,
  type DatabaseInput,
  type InfeasibleObjective,
  type PlanInput,
  type VolumeInput,
} from '../../lib/planning/plan-types';
import { type DatabaseResource, databaseResources } from './database-resources';
import { BadInput } from './errors';
import type { Named, PlanOptions } from './options';

/** What `plan --json` prints when the input is good; with bad input it is `{ formatVersion, error }`. See docs/planning.md. */
export interface PlanOutput {
  readonly formatVersion: 1;
  readonly databases: readonly {
    readonly section: string;
    readonly datasource: string;
    readonly type: string;
    readonly host: string | null;
    readonly port: number | null;
    readonly name: string | null;
    readonly embedded: boolean;
    /** null: the product's own default, not in the file. */
    readonly line: number | null;
  }[];
  readonly restoreDependencies: RestoreDependencies;
  readonly plan: readonly PlanLine[];
  readonly infeasible: readonly InfeasibleObjective[];
  readonly recoveryTimes: readonly RecoveryTime[];
  readonly usdPerMonth: number;
  readonly warnings: readonly string[];
}

function readDeployment({ deployment: path, resolve }: PlanOptions): ParsedDeployment {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BadInput(
      `\`--deployment\` must be a readable file, got ${path} (${(error as NodeJS.ErrnoException).code}): ` +
        'give the path of repository/conf/deployment.toml',
    );
  }
  return parseDeployment(text, path, { resolve });
}

/** @throws DeploymentTomlError, BadInput or PlanInputError where the input is no basis for a plan */
export function makePlan(options: PlanOptions): PlanOutput {
  const deployment = readDeployment(options);
  const resources = databaseResources(deployment.databases, options.database);
  const input = planInput(resources, options);
  const result = plan(input);
  return {
    formatVersion: 1,
    databases: deployment.databases.map((database) => ({
      section: database.section,
      datasource: database.datasource,
      type: database.type,
      host: database.host ?? null,
      port: database.port ?? null,
      name: database.databaseName ?? null,
      embedded: database.embedded,
      line: database.line ?? null,
    })),
    restoreDependencies: deployment.restoreDependencies,
    plan: result.lines,
    infeasible: [...unprotectable(deployment.databases, input.objectives), ...result.infeasible],
    recoveryTimes: result.recoveryTimes,
    usdPerMonth: result.usdPerMonth,
    warnings: [...deploymentWarnings(deployment, resources), ...result.warnings],
  };
}

function planInput(resources: readonly DatabaseResource[], options: PlanOptions): PlanInput {
  const drSite = { rpoSeconds: options.drRpo ?? options.rpo, rtoSeconds: options.drRto ?? options.rto };
  requireNotTighter('--dr-rpo', drSite.rpoSeconds, '--rpo', options.rpo);
  requireNotTighter('--dr-rto', drSite.rtoSeconds, '--rto', options.rto);
  const { size, without, files, maintenanceWindow, backupWindow } = options;
  const databases = resources.map(({ datasources: _, ...database }) => ({
    ...database,
    sizeGib: valueOf(size, database.name),
    without: valueOf(without, database.name),
    maintenanceWindow: valueOf(maintenanceWindow, database.name),
    backupWindow: valueOf(backupWindow, database.name),
  }));
  const volumes = (options.volume ?? ['repository']).map((name) => ({
    name,
    sizeGib: valueOf(size, name),
    files: valueOf(files, name),
    without: valueOf(without, name),
  }));
  requireComponents(databases, volumes, options);
  return {
    objectives: { inRegion: { rpoSeconds: options.rpo, rtoSeconds: options.rto }, drSite },
    databases,
    volumes,
    assumptions: options.assume,
    retention: {
      allDays: options.keep,
      copyDays: options.keepCopies,
      dailyDays: options.keepDaily,
      weeklyDays: options.keepWeekly,
      monthlyDays: options.keepMonthly,
      yearlyDays: options.keepYearly,
      efsColdAfterDays: options.efsColdAfter,
    },
    drillIntervalSeconds: options.drillEvery,
    measured: options.measured,
  };
}

/** No objective is met for what AWS Backup cannot see. */
const unprotectable = (
  databases: readonly ParsedDatabase[],
  { inRegion, drSite }: PlanInput['objectives'],
): InfeasibleObjective[] =>
  databases
    .filter((database) => database.type === 'h2' && !isLocalRegistry(database))
    .flatMap(({ datasource, embedded }) =>
      (['in-region', 'dr-site'] as const).map((site) => ({
        component: datasource,
        site,
        objective: 'rpo' as const,
        objectiveSeconds: (site === 'in-region' ? inRegion : drSite).rpoSeconds,
        nearestFeasibleSeconds: null,
        reason: `${embedded ? 'an embedded H2 database' : 'an H2 server'} is no RDS resource, and AWS Backup cannot see it`,
        remedies: ['a database on RDS in its place: what this command says of one'],
      })),
    );

/** Names are anything, `constructor` too. */
const valueOf = <Value>(named: Named<Value> | undefined, name: string) =>
  named && Object.hasOwn(named, name) ? named[name] : undefined;

/** A name that is mistyped would change nothing, in silence. */
function requireComponents(databases: readonly DatabaseInput[], volumes: readonly VolumeInput[], options: PlanOptions) {
  const ofDatabases = databases.map(({ name }) => name);
  const ofVolumes = volumes.map(({ name }) => name);
  const all = [...ofDatabases, ...ofVolumes];
  const twice = all.find((name, index) => all.indexOf(name) !== index);
  const unusable = all.find((name) => name.trim() === '' || name === ALL_TOGETHER);
  if (unusable !== undefined) {
    throw new BadInput(`component names must not be empty, nor '${ALL_TOGETHER}', got '${unusable}': rename it`);
  }
  if (twice !== undefined) throw new BadInput(`component names must be unique, got '${twice}' twice: rename one`);
  const require = (option: string, named: Named<unknown> | undefined, known: readonly string[]) => {
    const unknown = Object.keys(named ?? {}).find((name) => !known.includes(name));
    if (unknown === undefined) return;
    throw new BadInput(`\`${option}\` must name one of ${known.join(', ')}, got '${unknown}': correct the name`);
  };
  require('--maintenance-window', options.maintenanceWindow, ofDatabases);
  require('--backup-window', options.backupWindow, ofDatabases);
  require('--files', options.files, ofVolumes);
  require('--size', options.size, all);
  require('--without', options.without, all);
}

function deploymentWarnings(
  { databases, restoreDependencies, warnings }: ParsedDeployment,
  resources: readonly DatabaseResource[],
): string[] {
  const { problems, warnings: notices } = coverage(
    databases,
    resources.map((resource) => ({ ...resource, hostnames: [] })),
  );
  const { encryptionKey, encryptsWithKeystore } = restoreDependencies;
  const key =
    !encryptsWithKeystore && (encryptionKey === 'absent' || encryptionKey === 'public-default')
      ? [
          `[encryption] key is ${encryptionKey === 'absent' ? 'not set, and the product uses its default' : "the product's default"}: ` +
            'everybody knows it; set your own',
        ]
      : [];
  return [...problems.map((problem) => `cdk synth will stop: ${problem}`), ...notices, ...key, ...warnings];
}

function requireNotTighter(name: string, atDrSite: number, inRegionName: string, inRegion: number): void {
  if (atDrSite >= inRegion) return;
  throw new BadInput(
    `\`${name}\` must be at least \`${inRegionName}\` (${formatDuration(inRegion)}), got ${formatDuration(atDrSite)}: ` +
      `what survives the loss of the Region survives a smaller failure too; tighten ${inRegionName} or relax ${name}`,
  );
}

export const renderPlan = ({ plan: lines, ...output }: PlanOutput) =>
  planTable({ lines, ...output }, { width: process.stdout.columns, stream: process.stdout });
