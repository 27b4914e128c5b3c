/** The drills before this one, out of the reports that they left in the bucket. */
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { Site } from '../../../lib/planning/plan-document';
import { drillsPrefix } from '../../../lib/private/bucket-layout';
import type { CheckOutcome } from '../../check/contract';
import type { ComponentReport, DrillReport, EarlierDrill, Verdict } from '../contract';

/** Of weekly drills the last five months: what a chart can show on a phone. */
export const MOST_EARLIER = 20;

export interface PastDrills {
  /** The newest first. */
  readonly earlier: readonly EarlierDrill[];
  /** The newest of them; absent where this is the first drill. */
  readonly last?: LastDrill;
  /** Of the newest that counted rows: the last may have broken off before. */
  readonly rows?: CountedRows;
}

export interface CountedRows {
  readonly startedAt: string;
  readonly checks: readonly PastCheck[];
}

/** What a drill is compared with: as much of a report as the comparison needs, so that it fits into a checkpoint. */
export interface LastDrill {
  readonly drillId: string;
  readonly startedAt: string;
  readonly verdict: Verdict;
  readonly measuredRpoSeconds?: number;
  readonly measuredRtoSeconds?: number;
  readonly components: readonly Pick<ComponentReport, 'component' | 'technique' | 'verdict' | 'measuredRtoSeconds'>[];
  readonly checks: readonly PastCheck[];
}

export type PastCheck = Pick<CheckOutcome, 'check' | 'component' | 'status' | 'compared'>;

/** Reads the newest reports of a deployment at a site (default: the DR site), at most `atMost`. Drills without a report, or with one of another format, are left out. */
export async function readPastDrills(
  s3: S3Client,
  bucket: string,
  deployment: string,
  { but, atMost = MOST_EARLIER, site }: { readonly but?: string; readonly atMost?: number; readonly site?: Site } = {},
): Promise<PastDrills> {
  const prefix = drillsPrefix(deployment, site);
  // A drill's id begins with its time, so the order of names is that of time.
  const newest = (await foldersIn(s3, bucket, prefix))
    .filter((folder) => folder.startsWith(`${prefix}drill-`) && folder !== `${prefix}${but}/`)
    .sort()
    .reverse()
    // Some may hold no report: those of drills that broke off.
    .slice(0, 2 * atMost);
  const reports = await pMap(newest, (folder) => readReport(s3, bucket, `${folder}report.json`), { concurrency: 8 });
  const found = reports.filter((report) => report !== undefined).slice(0, atMost);
  const rows = found.map((report) => report.rows()).find(({ checks }) => checks.length > 0);
  return {
    earlier: found.map(({ earlier }) => earlier),
    ...(found[0] === undefined ? {} : { last: found[0].last() }),
    ...(rows === undefined ? {} : { rows }),
  };
}

async function foldersIn(s3: S3Client, bucket: string, prefix: string): Promise<readonly string[]> {
  const folders: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: '/', ContinuationToken: token }),
    );
    folders.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => (Prefix === undefined ? [] : [Prefix])));
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return folders;
}

interface ReadReport {
  readonly earlier: EarlierDrill;
  last(): LastDrill;
  rows(): CountedRows;
}

async function readReport(s3: S3Client, bucket: string, key: string): Promise<ReadReport | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return parseReport((await Body?.transformToString()) ?? '');
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

const VERDICTS: readonly unknown[] = ['PASSED', 'PASSED_WITH_WARNINGS', 'FAILED'] satisfies Verdict[];

/** @returns undefined where the text is no report that this release understands */
export function parseReport(text: string): ReadReport | undefined {
  let report: Partial<DrillReport> | null;
  try {
    report = JSON.parse(text) as Partial<DrillReport> | null;
  } catch {
    return undefined;
  }
  const { formatVersion, drillId, startedAt, verdict, components, checks } = report ?? {};
  if (
    formatVersion !== 1 ||
    typeof drillId !== 'string' ||
    Number.isNaN(Date.parse(String(startedAt))) ||
    !VERDICTS.includes(verdict)
  ) {
    return undefined;
  }
  const numbers = measured(report ?? {});
  const common = { drillId, startedAt: startedAt!, verdict: verdict!, ...numbers };
  return {
    earlier: common,
    last: () => ({
      ...common,
      components: (Array.isArray(components) ? components : []).map(({ component, technique, verdict, ...rest }) => ({
        component,
        technique,
        verdict,
        ...(typeof rest.measuredRtoSeconds === 'number' ? { measuredRtoSeconds: rest.measuredRtoSeconds } : {}),
      })),
      checks: bounded(Array.isArray(checks) ? checks : []),
    }),
    rows: () => ({
      startedAt: startedAt!,
      checks: bounded((Array.isArray(checks) ? checks : []).filter(({ check }) => check === 'tables-present')),
    }),
  };
}

function measured({ measuredRpoSeconds, measuredRtoSeconds }: Partial<DrillReport>) {
  return {
    ...(typeof measuredRpoSeconds === 'number' ? { measuredRpoSeconds } : {}),
    ...(typeof measuredRtoSeconds === 'number' ? { measuredRtoSeconds } : {}),
  };
}

/** A checkpoint of a durable function holds 256 KB. */
const LARGEST_CHECKS = 80_000;

/** Without what was compared, where all of it would be too much to keep. */
function bounded(checks: readonly CheckOutcome[]): readonly PastCheck[] {
  const past = checks.map(({ check, component, status, compared }) => ({
    check,
    component,
    status,
    compared: typeof compared === 'object' && compared !== null ? compared : {},
  }));
  if (JSON.stringify(past).length <= LARGEST_CHECKS) return past;
  return past.map((outcome) => ({ ...outcome, compared: {} })).slice(0, 500);
}
