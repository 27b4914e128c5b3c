import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import {
  DeploymentTomlError,
  type ParsedDatabase,
  type ParsedDeployment,
  parseDeployment,
} from '../../lib/deployment/parse';
import { type InfeasibleObjective, plan } from '../../lib/planning/plan';
import type { DatabaseKind, PlanLine, RestoreDependencies } from '../../lib/planning/plan-document';
import { formatDuration, parseDuration } from '../duration';

/** What `plan --json` prints when the input is good. With bad input it is `{ formatVersion, error }`. */
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
  readonly warnings: readonly string[];
}

interface PlanOptions {
  readonly deployment: string;
  readonly rpo: number;
  readonly rto: number;
  readonly drRpo?: number;
  readonly drRto?: number;
  readonly database: readonly NamedKind[];
  readonly json?: boolean;
}

interface NamedKind {
  readonly name: string;
  readonly kind: DatabaseKind;
}

const KINDS: readonly DatabaseKind[] = ['rds-instance', 'aurora-cluster', 'multi-az-cluster'];

/** Exit status 0: feasible; 1: an objective cannot be met; 2: bad input. */
export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description(
      'say how the objectives will be met, with the arithmetic, before anything is deployed; needs no account',
    )
    .requiredOption('--deployment <file>', 'deployment.toml of the Identity Server')
    .requiredOption('--rpo <duration>', 'recovery point objective inside the Region (30m, 1h, 1d, PT1H30M)', duration)
    .requiredOption('--rto <duration>', 'recovery time objective inside the Region', duration)
    .option('--dr-rpo <duration>', 'recovery point objective after the loss of the Region (default: --rpo)', duration)
    .option('--dr-rto <duration>', 'recovery time objective after the loss of the Region (default: --rto)', duration)
    .option(
      '--database <name=kind>',
      `RDS resource that holds the databases: ${KINDS.join(', ')}; repeatable (default: one rds-instance per host)`,
      namedKind,
      [],
    )
    .option('--json', 'print JSON')
    .action((options: PlanOptions) => {
      process.exitCode = run(options);
    });
}

function run(options: PlanOptions): number {
  try {
    const output = makePlan(readDeployment(options.deployment), options);
    process.stdout.write(options.json ? `${JSON.stringify(output, undefined, 2)}\n` : render(output));
    return output.infeasible.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof DeploymentTomlError || error instanceof BadInput)) throw error;
    if (options.json)
      process.stdout.write(`${JSON.stringify({ formatVersion: 1, error: error.message }, undefined, 2)}\n`);
    else process.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
}

class BadInput extends Error {}

function readDeployment(path: string): ParsedDeployment {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BadInput(
      `\`--deployment\` must be a readable file, got ${path} (${(error as NodeJS.ErrnoException).code}): ` +
        'give the path of repository/conf/deployment.toml',
    );
  }
  return parseDeployment(text, path);
}

function makePlan(deployment: ParsedDeployment, options: PlanOptions): PlanOutput {
  const drSite = { rpoSeconds: options.drRpo ?? options.rpo, rtoSeconds: options.drRto ?? options.rto };
  requireNotTighter('--dr-rpo', drSite.rpoSeconds, '--rpo', options.rpo);
  requireNotTighter('--dr-rto', drSite.rtoSeconds, '--rto', options.rto);
  const result = plan({
    objectives: { inRegion: { rpoSeconds: options.rpo, rtoSeconds: options.rto }, drSite },
    databases: options.database.length > 0 ? options.database : oneInstancePerHost(deployment.databases),
    volumes: [{ name: 'repository' }],
  });
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
    infeasible: result.infeasible,
    warnings: warnings(deployment),
  };
}

/** Databases of one host are one resource, called after its first datasource. */
function oneInstancePerHost(databases: readonly ParsedDatabase[]): NamedKind[] {
  const hosted = databases.filter(({ embedded }) => !embedded);
  return [...new Map(hosted.toReversed().map((database) => [database.host ?? database.datasource, database])).values()]
    .toReversed()
    .map(({ datasource }) => ({ name: datasource, kind: 'rds-instance' }));
}

function warnings({ databases, restoreDependencies }: ParsedDeployment): string[] {
  const embedded = databases
    .filter((database) => database.embedded)
    .map(
      ({ section, line }) =>
        `[${section}]${line === undefined ? ' is not in the file and' : ` (line ${line})`} is an embedded H2 database: ` +
        'RDS backs up none of it; move it to an RDS database',
    );
  const { encryptionKey } = restoreDependencies;
  const key =
    encryptionKey === 'absent' || encryptionKey === 'public-default'
      ? [
          `[encryption] key is ${encryptionKey === 'absent' ? 'not set' : "the product's default"}: everybody knows it; set your own`,
        ]
      : [];
  return [...embedded, ...key];
}

function requireNotTighter(name: string, atDrSite: number, inRegionName: string, inRegion: number): void {
  if (atDrSite >= inRegion) return;
  throw new BadInput(
    `\`${name}\` must be at least \`${inRegionName}\` (${formatDuration(inRegion)}), got ${formatDuration(atDrSite)}: ` +
      `what survives the loss of the Region survives a smaller failure too; tighten ${inRegionName} or relax ${name}`,
  );
}

function render(output: PlanOutput): string {
  const missed = (line: PlanLine) =>
    output.infeasible.some(({ component, site }) => component === line.component && site === line.site);
  const table = new Table({
    head: ['component', 'site', 'technique', 'schedule (UTC)', 'worst case', 'arithmetic'],
    // Colour is styleText's, which honours NO_COLOR.
    style: { head: [], border: [] },
    wordWrap: true,
  });
  for (const line of output.plan) {
    const worst = formatDuration(line.worstCaseSeconds);
    table.push([
      line.component,
      line.site,
      line.technique,
      line.schedule ?? 'continuous',
      missed(line) ? style('red', `${worst} (too old)`) : style('green', worst),
      line.terms.map(({ name, seconds }) => `${name} ${formatDuration(seconds)}`).join(' + '),
    ]);
  }
  const infeasible = output.infeasible.map(
    ({ component, site, objectiveSeconds, nearestFeasibleSeconds, reason }) =>
      style('red', 'cannot be met: ') +
      `RPO ${formatDuration(objectiveSeconds)} of ${component} at ${site}; the nearest that can is ` +
      `${formatDuration(nearestFeasibleSeconds)} (${reason})`,
  );
  const warned = output.warnings.map((warning) => style('yellow', 'warning: ') + warning);
  return [table.toString(), ...infeasible, ...warned, ''].join('\n');
}

const style = (colour: 'red' | 'green' | 'yellow', text: string) => styleText(colour, text, { stream: process.stdout });

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) {
    throw new InvalidArgumentError(
      'It must be a duration of at least one second: 30m, 1h, 1d or ISO 8601 such as PT1H30M.',
    );
  }
  return seconds;
}

function namedKind(text: string, earlier: readonly NamedKind[]): NamedKind[] {
  const at = text.lastIndexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  const kind = KINDS.find((candidate) => candidate === text.slice(at + 1));
  if (name === '' || kind === undefined) {
    throw new InvalidArgumentError(`It must be NAME=KIND, where KIND is one of ${KINDS.join(', ')}.`);
  }
  if (name === 'repository' || earlier.some((other) => other.name === name)) {
    throw new InvalidArgumentError(`The name '${name}' is taken: component names are unique.`);
  }
  return [...earlier, { name, kind }];
}
