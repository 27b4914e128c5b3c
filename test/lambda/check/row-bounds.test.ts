import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countsReader } from '../../../lambda/check/counts-reader';
import { rowBounds } from '../../../lambda/check/row-bounds';

const MOMENT = '2026-11-24T12:00:00.000Z';
const at = (hours: number) => new Date(Date.parse(MOMENT) + hours * 3_600_000).toISOString();
const notes = (...list: readonly (readonly [number, number])[]) =>
  list.map(([hours, rows]) => ({ startedAt: at(hours), endedAt: at(hours), rows }));

describe('rowBounds', () => {
  const rows: readonly [
    string,
    string,
    readonly (readonly [number, number])[],
    readonly [number, number] | undefined,
  ][] = [
    [
      'between two notes: what either says, and one in a hundred',
      'UM_USER',
      [
        [-1, 10_000],
        [1, 11_000],
      ],
      [9890, 11_110],
    ],
    [
      'the notes may fall',
      'UM_USER',
      [
        [-1, 11_000],
        [1, 10_000],
      ],
      [9890, 11_110],
    ],
    [
      'of few rows ten',
      'UM_USER',
      [
        [-1, 100],
        [1, 100],
      ],
      [90, 110],
    ],
    [
      'of very few at least one',
      'UM_TENANT',
      [
        [-1, 3],
        [1, 3],
      ],
      [1, 13],
    ],
    [
      'of none, none',
      'UM_TENANT',
      [
        [-1, 0],
        [1, 3],
      ],
      [0, 13],
    ],
    [
      'sessions: half',
      'IDN_AUTH_SESSION_STORE',
      [
        [-1, 1000],
        [1, 1000],
      ],
      [500, 1500],
    ],
    [
      'sessions may all be gone',
      'IDN_AUTH_SESSION_STORE',
      [
        [-1, 8],
        [1, 8],
      ],
      [0, 18],
    ],
    [
      'after the last note: twice as fast as before it',
      'UM_USER',
      [
        [-2, 9000],
        [-1, 10_000],
      ],
      [7900, 12_100],
    ],
    [
      'the nearest notes count',
      'UM_USER',
      [
        [-9, 5],
        [-2, 9000],
        [-1, 10_000],
        [1, 10_000],
      ],
      [9900, 10_100],
    ],
    [
      'at the very moment: no time to change',
      'UM_USER',
      [
        [-1, 9000],
        [0, 10_000],
      ],
      [9900, 10_100],
    ],
    ['one note before: a tenth', 'UM_USER', [[-1, 10_000]], [8900, 11_100]],
    ['one note after: a tenth', 'UM_USER', [[1, 10_000]], [8900, 11_100]],
    ['a day away', 'UM_USER', [[-24, 10_000]], [8900, 11_100]],
    ['more than a day away', 'UM_USER', [[-24.001, 10_000]], undefined],
    ['nothing noted', 'UM_USER', [], undefined],
  ];
  for (const [what, table, noted, expected] of rows) {
    it(what, () => {
      const bounds = rowBounds(table, MOMENT, notes(...noted));
      assert.deepEqual(bounds && [bounds.least, bounds.most], expected);
    });
  }
});

describe('countsReader', () => {
  const noted = (component: string) => ({ component, datasource: 'd', startedAt: MOMENT, endedAt: MOMENT, rows: {} });

  /** S3 that gives two keys a page. */
  function bucketOf(objects: ReadonlyMap<string, string>) {
    const read: string[] = [];
    const send = (command: { constructor: { name: string }; input: Record<string, string | number | undefined> }) => {
      const { input } = command;
      if (command.constructor.name === 'GetObjectCommand') {
        read.push(String(input['Key']));
        const text = objects.get(String(input['Key']))!;
        return Promise.resolve({ Body: { transformToString: () => Promise.resolve(text) } });
      }
      const from = String(input['ContinuationToken'] ?? input['StartAfter'] ?? '');
      const keys = [...objects.keys()].filter((key) => key.startsWith(String(input['Prefix'])) && key > from).sort();
      return Promise.resolve({
        Contents: keys.slice(0, 2).map((Key) => ({ Key })),
        ...(keys.length > 2 ? { NextContinuationToken: keys[1] } : {}),
      });
    };
    return { s3: { send } as never, read };
  }
  const key = (hours: number) => `counts/prod/${at(hours).replace(/[-:]/g, '')}.json`;

  it('reads two notes before a moment and one after it, of a day around', async () => {
    const hours = [-30, -25, -3, -2, -1, 0, 1, 2, 25];
    const objects = new Map(
      hours.map((each) => [key(each), JSON.stringify({ formatVersion: 1, counts: [noted(String(each))] })]),
    );
    const { s3, read } = bucketOf(objects);
    const { near, any } = await countsReader(s3, 'b', 'prod')(MOMENT);
    assert.deepEqual(
      near.map(({ component }) => component),
      ['-1', '0', '1'],
    );
    assert.deepEqual(read, [key(-1), key(0), key(1)]);
    assert.equal(any, true);
  });

  it('knows what was never noted from what was noted at other times', async () => {
    const far = bucketOf(new Map([[key(-48), '{}']]));
    assert.deepEqual(await countsReader(far.s3, 'b', 'prod')(MOMENT), { near: [], any: true });
    const other = bucketOf(new Map([['counts/prod2/x.json', '{}']]));
    assert.deepEqual(await countsReader(other.s3, 'b', 'prod')(MOMENT), { near: [], any: false });
  });

  it('does not use another format', async () => {
    const { s3 } = bucketOf(new Map([[key(-1), JSON.stringify({ formatVersion: 2, counts: [noted('x')] })]]));
    assert.deepEqual(await countsReader(s3, 'b', 'prod')(MOMENT), { near: [], any: true });
  });
});
