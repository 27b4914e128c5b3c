/**
 * Points that somebody said must not be restored: encrypted by ransomware, exported while an attacker was in, taken after a
 * wrong change. The marks are objects below `suspicious/<deployment>/` in the artifact bucket, replicated like all in it, or in
 * the bucket of the site itself; a person, a watcher or an export writes them, and whoever removes one lifts it.
 */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { suspicionPrefix } from '../../lib/private/bucket-layout';
import type { ComponentPoints } from './choose-recovery-set';
import type { RestorableWindow } from './restorable-window';
import { DrillError } from './steps';

/** One mark: of one point by its `id`, or of everything from a moment on. */
export interface Suspicion {
  /** For people: it stands in the report. */
  readonly reason: string;
  /** Recovery point ARN or manifest key. */
  readonly id?: string;
  /** Name of a database or volume. Default: all. */
  readonly component?: string;
  /** ISO 8601. What holds a moment from here on is suspicious; needed where there is no `id`. */
  readonly from?: string;
  /** ISO 8601: up to here, itself no longer. Default: for ever. */
  readonly until?: string;
}

/**
 * @throws DrillError where a mark cannot be understood: to restore what it might forbid would be worse
 */
export async function readSuspicions(deployment: string, bucket: string, s3: S3Client): Promise<readonly Suspicion[]> {
  const suspicions: Suspicion[] = [];
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: suspicionPrefix(deployment) });
  for await (const { Contents = [] } of pages) {
    for (const { Key = '' } of Contents) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      suspicions.push(parseSuspicion((await Body?.transformToString()) ?? '', `s3://${bucket}/${Key}`));
    }
  }
  return suspicions;
}

export function parseSuspicion(text: string, where: string): Suspicion {
  let mark: Partial<Record<keyof Suspicion, unknown>> | null;
  try {
    mark = JSON.parse(text) as typeof mark;
  } catch {
    mark = null;
  }
  const { reason, id, component, from, until } = mark ?? {};
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const isTime = (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
  const isWhole =
    isText(reason) &&
    (isText(id) || isTime(from)) &&
    [id, component].every((value) => value === undefined || isText(value)) &&
    [from, until].every((value) => value === undefined || isTime(value));
  if (isWhole) return mark as Suspicion;
  throw new DrillError(
    `the mark ${where} must be {"reason": TEXT, "id": POINT} or {"reason": TEXT, "from": TIME}, with "component" and "until" ` +
      'if need be: correct it, or remove it',
  );
}

/** The same points and windows, where what is suspicious cannot be used. Pure. */
export function markSuspicious(
  components: readonly ComponentPoints[],
  suspicions: readonly Suspicion[],
): readonly ComponentPoints[] {
  return components.map(({ component, points, windows = [] }) => {
    const own = suspicions.filter((mark) => mark.component === undefined || mark.component === component);
    return {
      component,
      points: points.map((point) => {
        const mark = own.find((each) => (each.id === undefined ? isWithin(each, point.moment) : each.id === point.id));
        return mark === undefined || point.unusable !== undefined ? point : { ...point, unusable: sentence(mark) };
      }),
      windows: windows.flatMap((window) => {
        const mark = own.find(({ id }) => id === window.id);
        return mark === undefined ? own.reduce(cutAll, [window]) : [{ ...window, unusable: sentence(mark) }];
      }),
    };
  });
}

const sentence = ({ reason }: Suspicion) => `marked suspicious: ${reason}`;

const isWithin = ({ from, until }: Suspicion, moment: string) =>
  from !== undefined &&
  Date.parse(moment) >= Date.parse(from) &&
  (until === undefined || Date.parse(moment) < Date.parse(until));

const cutAll = (windows: readonly RestorableWindow[], mark: Suspicion): RestorableWindow[] =>
  windows.flatMap((window) => cut(window, mark));

/** What is left of a window before and after what is suspicious. */
function cut(window: RestorableWindow, mark: Suspicion): RestorableWindow[] {
  const { earliest, latest } = window;
  if (mark.from === undefined || window.unusable !== undefined || earliest === undefined || latest === undefined) {
    return [window];
  }
  const from = Date.parse(mark.from);
  const until = mark.until === undefined ? Infinity : Date.parse(mark.until);
  if (from > Date.parse(latest) || until <= Date.parse(earliest)) return [window];
  const before =
    from > Date.parse(earliest)
      ? [{ ...window, latest: new Date(from - 1).toISOString(), cutShort: true as const }]
      : [];
  const after = until <= Date.parse(latest) ? [{ ...window, earliest: new Date(until).toISOString() }] : [];
  const left = [...before, ...after];
  return left.length > 0 ? left : [{ ...window, unusable: sentence(mark) }];
}
