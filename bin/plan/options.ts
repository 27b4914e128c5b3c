/** The options of `plan`: what each text may be, before anything is planned. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_ASSUMPTIONS, type PlanAssumptions } from '../../lib/planning/assumptions';
import { PlanInputError } from '../../lib/planning/errors';
import { measuredRecoveries } from '../../lib/planning/measured';
import type { DatabaseKind, Technique } from '../../lib/planning/plan-document';
import { type MeasuredRecovery, OPTIONAL_TECHNIQUES } from '../../lib/planning/plan-types';
import { parseDuration } from '../duration';

export interface PlanOptions {
  readonly deployment: string;
  readonly resolve?: Readonly<Record<string, string>>;
  readonly rpo: number;
  readonly rto: number;
  readonly drRpo?: number;
  readonly drRto?: number;
  readonly database?: readonly NamedKind[];
  readonly volume?: readonly string[];
  readonly maintenanceWindow?: Named<string>;
  readonly backupWindow?: Named<string>;
  readonly size?: Named<number>;
  readonly files?: Named<number>;
  readonly without?: Named<readonly Technique[]>;
  readonly assume?: Partial<PlanAssumptions>;
  readonly keep?: number;
  readonly keepCopies?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly efsColdAfter?: number;
  readonly drillEvery?: number;
  readonly measured?: readonly MeasuredRecovery[];
  readonly json?: boolean;
}

/** By the name of a component. */
export type Named<Value> = Readonly<Record<string, Value>>;

export interface NamedKind {
  readonly name: string;
  readonly kind: DatabaseKind;
  readonly globalDatabase?: boolean;
}

/** Kinds as they are typed; a Global Database is an Aurora cluster that has one. */
const KINDS: Readonly<Record<string, Omit<NamedKind, 'name'>>> = {
  'rds-instance': { kind: 'rds-instance' },
  'aurora-cluster': { kind: 'aurora-cluster' },
  'aurora-global-database': { kind: 'aurora-cluster', globalDatabase: true },
  'multi-az-cluster': { kind: 'multi-az-cluster' },
};

const ASSUMPTION_KEYS = Object.keys(DEFAULT_ASSUMPTIONS) as (keyof PlanAssumptions)[];

export function addPlanOptions(command: Command): Command {
  return command
    .requiredOption('--deployment <file>', 'deployment.toml of the Identity Server')
    .requiredOption('--rpo <duration>', 'recovery point objective inside the Region (30m, 1h, 1d, PT1H30M)', duration)
    .requiredOption('--rto <duration>', 'recovery time objective inside the Region', duration)
    .option('--dr-rpo <duration>', 'recovery point objective after the loss of the Region (default: --rpo)', duration)
    .option('--dr-rto <duration>', 'recovery time objective after the loss of the Region (default: --rto)', duration)
    .option(
      '--resolve <reference=value>',
      'value of a reference in the file, as env:DB_HOST=db.example.com; repeatable',
      named(text),
    )
    .option('--json', 'print JSON')
    .optionsGroup('What there is, each repeatable:')
    .option(
      '--database <name=kind>',
      `kind of the RDS resource that holds the database NAME of the file and what has the same host: ${Object.keys(KINDS).join(', ')} (default: rds-instance)`,
      namedKind,
    )
    .option('--volume <name>', 'EFS volume (default: repository)', volume)
    .option('--maintenance-window <name=window>', 'of a database, as sun:03:00-sun:04:00, in UTC', named(text))
    .option('--backup-window <name=window>', 'of a database, as 02:00-02:30, in UTC', named(text))
    .option('--size <name=gib>', 'GiB of a database (default: 20) or volume (default: 2)', named(positive))
    .option('--files <name=count>', 'files of a volume (default: 10000)', named(positive))
    .optionsGroup('How it is kept:')
    .option('--without <name=technique>', `not wanted: ${OPTIONAL_TECHNIQUES.join(', ')}; repeatable`, without)
    .option('--keep <days>', 'every recovery point (default: 35d)', days)
    .option('--keep-copies <days>', 'their copies at the DR site (default: as --keep)', days)
    .option('--keep-daily <days>', 'one point a day', days)
    .option('--keep-weekly <days>', 'one point a week', days)
    .option('--keep-monthly <days>', 'one point a month', days)
    .option('--keep-yearly <days>', 'one point a year', days)
    .option('--efs-cold-after <days>', 'when EFS points move to cold storage that are kept 90 days longer', days)
    .option('--drill-every <duration>', 'between two drills: must be shorter than any retention', duration)
    .optionsGroup('What is known:')
    .option(
      '--assume <name=value>',
      `in place of a default: ${ASSUMPTION_KEYS.join(', ')}; durations as 20m; repeatable`,
      assume,
    )
    .option('--measured <report>', "a drill's report.json: its times replace the estimates", measured);
}

export function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) {
    throw new InvalidArgumentError(
      'It must be a duration of at least one second: 30m, 1h, 1d or ISO 8601 such as PT1H30M.',
    );
  }
  return seconds;
}

function days(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds % 86_400 !== 0) {
    throw new InvalidArgumentError('It must be whole days: 35d or P1W.');
  }
  return seconds / 86_400;
}

function positive(text: string): number {
  const number = Number(text);
  if (!(Number.isFinite(number) && number > 0)) throw new InvalidArgumentError('It must be a number more than 0.');
  return number;
}

const text = (value: string) => value;

/** `NAME=VALUE`, a name once. */
const named =
  <Value>(parse: (text: string) => Value) =>
  (argument: string, earlier: Named<Value> = {}): Named<Value> => {
    const [name, value] = split(argument, 'VALUE');
    if (Object.hasOwn(earlier, name)) throw new InvalidArgumentError(`'${name}' is given twice.`);
    return { ...earlier, [name]: parse(value) };
  };

function split(argument: string, what: string): [string, string] {
  const at = argument.indexOf('=');
  if (at < 1 || at === argument.length - 1) throw new InvalidArgumentError(`It must be NAME=${what}.`);
  return [argument.slice(0, at), argument.slice(at + 1)];
}

function namedKind(argument: string, earlier: readonly NamedKind[] = []): NamedKind[] {
  const [name, value] = split(argument, 'KIND');
  if (!Object.hasOwn(KINDS, value)) {
    throw new InvalidArgumentError(`It must be NAME=KIND, where KIND is one of ${Object.keys(KINDS).join(', ')}.`);
  }
  if (earlier.some((other) => other.name === name)) throw new InvalidArgumentError(`'${name}' is given twice.`);
  return [...earlier, { name, ...KINDS[value] }];
}

function volume(name: string, earlier: readonly string[] = []): string[] {
  if (earlier.includes(name)) throw new InvalidArgumentError(`'${name}' is given twice.`);
  return [...earlier, name];
}

function without(argument: string, earlier: Named<readonly Technique[]> = {}): Named<readonly Technique[]> {
  const [name, value] = split(argument, 'TECHNIQUE');
  const technique = OPTIONAL_TECHNIQUES.find((candidate) => candidate === value);
  if (technique === undefined) {
    throw new InvalidArgumentError(`It must be NAME=TECHNIQUE, one of ${OPTIONAL_TECHNIQUES.join(', ')}.`);
  }
  const others = Object.hasOwn(earlier, name) ? earlier[name] : [];
  return { ...earlier, [name]: [...others, technique] };
}

function assume(argument: string, earlier: Partial<PlanAssumptions> = {}): Partial<PlanAssumptions> {
  const [name, value] = split(argument, 'VALUE');
  const key = ASSUMPTION_KEYS.find((candidate) => candidate === name);
  if (key === undefined) throw new InvalidArgumentError(`NAME must be one of ${ASSUMPTION_KEYS.join(', ')}.`);
  if (key in earlier) throw new InvalidArgumentError(`'${name}' is given twice.`);
  return { ...earlier, [key]: parseDuration(value) ?? positive(value) };
}

function measured(file: string): MeasuredRecovery[] {
  try {
    return measuredRecoveries(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof PlanInputError) throw new InvalidArgumentError(error.message);
    throw new InvalidArgumentError(`It must be the report.json of a drill: ${(error as Error).message}.`);
  }
}
