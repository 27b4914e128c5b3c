/**
 * What one drill costs: list prices of us-east-1 in 2026, in USD, without free tiers, licences and discounts. An estimate,
 * never a bill.
 */
import { STORAGE_USD } from './cost';

/** What a drill used. */
export interface DrillUsage {
  readonly databases: readonly DatabaseUsage[];
  readonly volumes: readonly VolumeUsage[];
  /** The copy of Identity Server that it booted; absent: none. */
  readonly boot?: BootUsage;
  /** How long functions of the drill ran, together. */
  readonly functionSeconds: number;
}

export interface DatabaseUsage {
  readonly component: string;
  /** `db.r6g.large`; absent where it is not known. */
  readonly instanceClass?: string;
  readonly storageGib?: number;
  /** From the start of the restore until it was deleted. */
  readonly seconds: number;
}

export interface VolumeUsage {
  readonly component: string;
  readonly files: number;
  readonly bytes: number;
  /** From the start of the restore until it was removed. */
  readonly seconds: number;
}

export interface BootUsage {
  readonly vcpus: number;
  readonly memoryGib: number;
  /** From when it was asked for until it had stopped. */
  readonly seconds: number;
}

export interface DrillCost {
  /** Sum of `terms`. */
  readonly usd: number;
  readonly terms: readonly DrillCostTerm[];
  /** What the prices are, and what they leave out. */
  readonly basis: string;
}

export interface DrillCostTerm {
  readonly component: string;
  /** `db.r6g.large for 42 min`. */
  readonly what: string;
  readonly usd: number;
}

const BASIS = 'estimate at list prices of us-east-1, without licences of database engines, free tiers and discounts';

/**
 * Price list of RDS, one Availability Zone, an hour of the size `large`, by the first letter of the family; of generations
 * the dearer. All other sizes double or halve from there.
 */
const LARGE_USD_PER_HOUR: Readonly<Record<string, number>> = { t: 0.145, m: 0.178, r: 0.25, x: 0.377 };
const SIZES: Readonly<Record<string, number>> = { micro: 1 / 8, small: 1 / 4, medium: 1 / 2, large: 1, xlarge: 2 };
/** Where the class is not known: a memory-optimized `large`, as databases of the kind often have. */
const UNKNOWN_CLASS_USD_PER_HOUR = 0.25;

/** RDS, General Purpose SSD (gp3), one Availability Zone, per GiB-month. */
const DATABASE_STORAGE_USD = 0.115;
/** EFS with elastic throughput, per GiB: once written, once read by the checks. */
const EFS_TRAFFIC_USD = 0.06 + 0.03;
/** Lambda on ARM, per GiB-second, and the size of the functions. */
const FUNCTION_USD_PER_GIB_SECOND = 0.000_013_333_4;
const FUNCTION_GIB = 1769 / 1024;
/** Price list of Fargate on Linux and x86 (from memory, not looked up), per vCPU-hour and GiB-hour. Its endpoints are the site's, and cost also when nothing is booted. */
const VCPU_USD_PER_HOUR = 0.040_48;
const TASK_GIB_USD_PER_HOUR = 0.004_445;
/** S3, one GET. Every file takes one at most. */
const GET_USD = 0.000_000_4;

const HOUR = 3600;
const MONTH = 30 * 24 * HOUR;
const GIB = 1024 ** 3;

/** An hour of an instance class in USD; undefined where its family or size is not known. */
export function instanceUsdPerHour(instanceClass: string): number | undefined {
  const [, letter, size] = /^db\.([a-z])[a-z0-9-]*\.([a-z0-9]+)$/.exec(instanceClass) ?? [];
  if (letter === undefined || size === undefined) return undefined;
  const large = LARGE_USD_PER_HOUR[letter];
  const many = /^(\d+)xlarge$/.exec(size)?.[1];
  const factor = many === undefined ? SIZES[size] : 2 * Number(many);
  return large === undefined || factor === undefined ? undefined : large * factor;
}

export function drillCost({ databases, volumes, boot, functionSeconds }: DrillUsage): DrillCost {
  const terms = [
    ...databases.flatMap(databaseTerms),
    ...volumes.map(({ component, files, bytes, seconds }) => ({
      component,
      what: `${files} files, ${(bytes / GIB).toFixed(2)} GiB on EFS`,
      usd: (bytes / GIB) * (EFS_TRAFFIC_USD + (STORAGE_USD['efs-standard'] * seconds) / MONTH) + files * GET_USD,
    })),
    ...(boot === undefined ? [] : [bootTerm(boot)]),
    {
      component: 'functions',
      what: `${Math.round(functionSeconds)} s`,
      usd: functionSeconds * FUNCTION_GIB * FUNCTION_USD_PER_GIB_SECOND,
    },
  ].map((term) => ({ ...term, usd: toTenthsOfCents(term.usd) }));
  return { usd: toTenthsOfCents(terms.reduce((sum, { usd }) => sum + usd, 0)), terms, basis: BASIS };
}

function databaseTerms({ component, instanceClass, storageGib, seconds }: DatabaseUsage): DrillCostTerm[] {
  const known = instanceClass === undefined ? undefined : instanceUsdPerHour(instanceClass);
  const hours = `${(seconds / HOUR).toFixed(2)} h`;
  const name = instanceClass ?? 'instance of an unknown class';
  return [
    {
      component,
      what: `${name} for ${hours}${known === undefined ? ', counted as a large one' : ''}`,
      usd: ((known ?? UNKNOWN_CLASS_USD_PER_HOUR) * seconds) / HOUR,
    },
    ...(storageGib === undefined
      ? []
      : [
          {
            component,
            what: `${storageGib} GiB of storage for ${hours}`,
            usd: (DATABASE_STORAGE_USD * storageGib * seconds) / MONTH,
          },
        ]),
  ];
}

const bootTerm = ({ vcpus, memoryGib, seconds }: BootUsage): DrillCostTerm => ({
  component: 'booted copy',
  what: `${vcpus} vCPUs and ${memoryGib} GiB on Fargate for ${(seconds / HOUR).toFixed(2)} h`,
  usd: ((vcpus * VCPU_USD_PER_HOUR + memoryGib * TASK_GIB_USD_PER_HOUR) * seconds) / HOUR,
});

/** A drill costs cents, so cents would hide what is in it. */
const toTenthsOfCents = (usd: number) => Math.round(usd * 1000) / 1000;
