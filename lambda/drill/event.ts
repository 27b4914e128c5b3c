/** The event, checked: what comes in ends up in keys, names and calls, so nothing else may get through. */
import { archivePrefix } from '../../lib/private/bucket-layout';
import type { Demand, DrillEvent, DrillMode } from './contract';
import { DrillError } from './steps';

/** A `DrillEvent` with its defaults. */
export interface Asked extends Demand {
  readonly deployment: string;
  readonly mode: DrillMode;
  readonly planOnly: boolean;
  /** ISO 8601 in UTC; absent: the start of the execution. */
  readonly at?: string;
}

/** Of what was asked, what the report says. */
export const demandOf = ({ at, exportKey, volumesFrom }: Demand): Demand => ({
  ...(at === undefined ? {} : { at }),
  ...(exportKey === undefined ? {} : { exportKey }),
  ...(volumesFrom === undefined ? {} : { volumesFrom }),
});

const MODES: readonly DrillMode[] = ['drill', 'recover'];
const KNOWN = ['deployment', 'mode', 'at', 'exportKey', 'volumesFrom', 'planOnly'];

/** @throws DrillError that says which field must be what. */
export function parseEvent(event: unknown): Asked {
  const fields: Readonly<Record<string, unknown>> = typeof event === 'object' && event !== null ? { ...event } : {};
  const { deployment, mode = 'drill', at, exportKey, volumesFrom = 'archive', planOnly = false } = fields;
  if (typeof deployment !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(deployment)) {
    throw wrong('deployment', 'the name of a deployment ([a-z0-9][a-z0-9-]*)', deployment);
  }
  const known = MODES.find((each) => each === mode);
  if (known === undefined) throw wrong('mode', MODES.join(' or '), mode);
  if (typeof planOnly !== 'boolean') throw wrong('planOnly', 'true or false', planOnly);
  if (volumesFrom !== 'archive' && volumesFrom !== 'backup')
    throw wrong('volumesFrom', 'archive or backup', volumesFrom);
  if (volumesFrom === 'backup' && exportKey !== undefined) {
    throw new DrillError(
      "`exportKey` and `volumesFrom` of the drill's event exclude each other: an export is in the archive",
    );
  }
  // A field that nobody knows may be a misspelt one: `dryRun` must not start a recovery.
  const unknown = Object.keys(fields).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    throw new DrillError(`the drill's event must hold ${KNOWN.join(', ')} alone, got \`${unknown}\`: leave it out`);
  }
  return {
    deployment,
    mode: known,
    planOnly,
    ...(at === undefined ? {} : { at: moment(at) }),
    ...(exportKey === undefined ? {} : { exportKey: manifestKey(exportKey, deployment) }),
    ...(volumesFrom === 'archive' ? {} : { volumesFrom }),
  };
}

/** A time without its zone is nobody's time. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

function moment(at: unknown): string {
  if (typeof at === 'string' && ISO_TIME.test(at) && !Number.isNaN(Date.parse(at))) return new Date(at).toISOString();
  throw wrong('at', 'a time with its zone, such as 2026-11-24T04:25:00Z', at);
}

function manifestKey(key: unknown, deployment: string): string {
  const [, volume] = typeof key === 'string' ? (/^archives\/[^/]+\/([^/]+)\/manifests\/[^/]+$/.exec(key) ?? []) : [];
  if (typeof key === 'string' && volume !== undefined && key.startsWith(archivePrefix(deployment, volume))) return key;
  throw wrong(
    'exportKey',
    `the key of a manifest of ${deployment} (${archivePrefix(deployment, 'VOLUME')}manifests/...)`,
    key,
  );
}

const wrong = (field: keyof DrillEvent, wanted: string, got: unknown) =>
  new DrillError(`\`${field}\` of the drill's event must be ${wanted}, got ${JSON.stringify(got)}`);
