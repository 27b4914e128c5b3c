// One export over many invocations, through the durable SDK's own runner: whichever of them dies.
import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type Authenticator,
  beginExport,
  DirectoryVolume,
  exportVolume,
  listPoints,
  loadState,
  MemoryStore,
  prune,
  readManifest,
  saveState,
  verifyArchive,
  type Volume,
} from '../../../lambda/archive';
import type { ExportResult } from '../../../lambda/export/contract';
import { exportArtifacts } from '../../../lambda/export/export-artifacts';
import { olderRun, type Run } from '../../../lambda/export/other-run';
import type { TurnEvent } from '../../../lambda/export-turn/contract';
import { exportTurn } from '../../../lambda/export-turn/export-turn';
import { Tree } from '../../../benchmarks/tree/tree';
import { TREE_SIZES } from '../../../benchmarks/tree/layout';
import { createLogger } from '../../../lambda/shared/log';
import { daysLater, MONDAY } from '../archive/support/engine';
import { HmacAuthenticator } from '../archive/support/hmac-authenticator';
import { randomFrom, temporaryFolder } from '../archive/support/trees';
import { SOAK } from '../../soak';

/** Reads a folder on the calling thread, and counts how often it opens each file. */
class CountingVolume implements Volume {
  readonly description = 'a folder that is counted';
  readonly opened = new Map<string, number>();
  readonly #folder: DirectoryVolume;

  constructor(root: string) {
    this.#folder = new DirectoryVolume(root);
  }

  readDirectory(path: string) {
    return this.#folder.readDirectory(path);
  }
  stat(path: string) {
    return this.#folder.stat(path);
  }
  look(path: string) {
    return this.#folder.look(path);
  }
  readLink(path: string) {
    return this.#folder.readLink(path);
  }
  open(path: string) {
    this.opened.set(path, (this.opened.get(path) ?? 0) + 1);
    return this.#folder.open(path);
  }
}

const FILES = 700;
const ARCHIVE = 'archives/prod/repository/';

function tree(): string {
  const root = join(temporaryFolder(), 'repository');
  for (let file = 0; file < FILES; file += 1) {
    const folder = join(root, 'tenants', String(file % 70), 'userstores');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${file}.xml`), `<store id="${file}"/>\n`.repeat(20));
  }
  return root;
}

interface RunOptions {
  readonly volume: Volume;
  readonly store: MemoryStore;
  readonly turnMs?: number;
  readonly maxEntries?: number;
  readonly threads?: number;
  readonly others?: readonly Run[];
  /** Called before and after each invocation of the function that reads; dies where it throws. */
  readonly meanwhile?: (when: 'before' | 'after', invocation: number, event: TurnEvent) => void;
  readonly now?: () => Date;
  readonly authenticator?: Authenticator;
  readonly putMetrics?: (data: MetricDatum[]) => Promise<void>;
}

async function run({
  volume,
  store,
  turnMs,
  maxEntries,
  threads,
  others = [],
  meanwhile,
  now = () => MONDAY,
  authenticator,
  putMetrics,
}: RunOptions) {
  const answers: string[] = [];
  const metrics: MetricDatum[] = [];
  let invocations = 0;
  const turnFunction = async (event: TurnEvent) => {
    invocations += 1;
    const invocation = invocations;
    meanwhile?.('before', invocation, event);
    const answer = await exportTurn(event, {
      deployment: 'prod',
      volumeName: 'repository',
      mountedAt: 'repository',
      volume,
      store,
      log: createLogger({}, () => {}),
      remainingMs: () => 900_000,
      turnMs,
      maxEntries,
      threads,
      now,
    });
    meanwhile?.('after', invocation, event);
    answers.push(JSON.stringify(answer));
    return answer;
  };
  const handler = withDurableExecution((event: unknown, context) =>
    exportArtifacts(event, context, {
      turnFunction: 'turns',
      putMetrics: putMetrics ?? ((data) => Promise.resolve(void metrics.push(...data))),
      runs: () =>
        Promise.resolve([
          { arn: context.executionContext.durableExecutionArn, startedAt: '2099-01-05T10:00:00.000Z' },
          ...others,
        ]),
      signer: authenticator && { authenticator, archive: ARCHIVE },
    }),
  );
  const runner = new LocalDurableTestRunner<ExportResult>({ handlerFunction: handler });
  runner.registerFunction('turns', turnFunction);
  const execution = await runner.run({ payload: { 'detail-type': 'Scheduled Event' } });
  return { execution, answers, invocations, metrics };
}

/** What does not depend on how content came into packs. */
const entriesOf = async (store: MemoryStore, manifestKey: string) =>
  (await readManifest(store, manifestKey)).entries.map((entry) => ({ ...entry, pieces: undefined }));

async function entriesOfOneProcess(root: string) {
  const store = new MemoryStore();
  const { manifestKey } = await exportVolume({
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
    threads: 0,
    now: () => MONDAY,
  });
  return entriesOf(store, manifestKey);
}

const statesIn = (store: MemoryStore) => [...store.objects.keys()].filter((key) => key.startsWith('turns/'));

describe('an export over many invocations', () => {
  before(() => LocalDurableTestRunner.setupTestEnvironment({ skipTime: true }));
  after(() => LocalDurableTestRunner.teardownTestEnvironment());

  it('a volume that one invocation can read takes one, and leaves nothing beside the archive', async () => {
    const store = new MemoryStore();
    const { execution, invocations, metrics } = await run({ volume: new CountingVolume(tree()), store });
    assert.equal(execution.getStatus(), 'SUCCEEDED');
    assert.equal(invocations, 1);
    const result = execution.getResult();
    assert.equal(result?.turns, 1);
    assert.equal(result?.files, FILES);
    assert.deepEqual(statesIn(store), []);
    assert.equal((await listPoints(store))[0]?.manifestKey, result?.manifestKey);
    assert.deepEqual(
      metrics.map(({ MetricName, Value, Unit }) => [MetricName, Value, Unit]),
      [
        ['ExportDuration', 0, 'Seconds'],
        ['ExportFiles', FILES, 'Count'],
        ['ExportBytes', result?.bytes, 'Bytes'],
        ['ExportSkipped', 0, 'Count'],
        ['ExportSuspicious', 0, 'Count'],
      ],
    );
    assert.deepEqual(metrics[0]?.Dimensions, [
      { Name: 'Deployment', Value: 'prod' },
      { Name: 'Component', Value: 'repository' },
    ]);
  });

  it('the second export says how many files changed since the first', async () => {
    const root = tree();
    const store = new MemoryStore();
    await run({ volume: new CountingVolume(root), store });
    writeFileSync(join(root, 'tenants/0/userstores/0.xml'), 'changed');
    writeFileSync(join(root, 'tenants/new.xml'), 'new');
    const { metrics } = await run({ volume: new CountingVolume(root), store, now: () => daysLater(1) });
    assert.equal(metrics.find(({ MetricName }) => MetricName === 'ExportChanged')?.Value, 2);
  });

  it('an export that ended, but whose metrics cannot be put, fails: its alarm goes off', async () => {
    const store = new MemoryStore();
    const { execution } = await run({
      volume: new CountingVolume(tree()),
      store,
      putMetrics: () => Promise.reject(new Error('no metrics today')),
    });
    assert.equal(execution.getStatus(), 'FAILED');
    assert.match(execution.getError().errorMessage ?? '', /no metrics today/);
    assert.equal((await listPoints(store)).length, 1);
  });

  it('turn by turn, in shards: each file is read once, the point is that of one process, checkpoints are small', async () => {
    const root = tree();
    const volume = new CountingVolume(root);
    const store = new MemoryStore();
    const { execution, answers, invocations } = await run({ volume, store, turnMs: 0 });
    assert.equal(execution.getStatus(), 'SUCCEEDED');
    const result = execution.getResult()!;
    assert.ok(result.turns > 5, `${result.turns} turns`);
    assert.equal(result.turns, invocations);
    assert.equal(result.filesRead, FILES);
    assert.deepEqual(
      [...volume.opened.values()].filter((times) => times !== 1),
      [],
    );
    assert.equal(volume.opened.size, FILES);
    assert.deepEqual(await entriesOf(store, result.manifestKey), await entriesOfOneProcess(root));
    assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
    // FACTS: a checkpoint takes 256 KB.
    assert.ok(Math.max(...answers.map(({ length }) => length)) < 2048, answers.join('\n'));
  });

  it('signed: the function that cannot write signs for its own archive, once, and takes from nothing that is forged', async () => {
    const root = tree();
    const volume = new CountingVolume(root);
    const store = new MemoryStore(ARCHIVE);
    const authenticator = new HmacAuthenticator();
    const first = await run({ volume, store, authenticator });
    assert.equal(first.execution.getStatus(), 'SUCCEEDED');
    // It looks for a parent, reads, and writes the manifest.
    assert.equal(first.invocations, 3);
    assert.equal(first.execution.getResult()?.turns, 1);
    assert.equal(authenticator.signatures, 1);
    const [point] = await listPoints(store, authenticator);
    assert.equal(point?.signature, 'right');
    assert.equal(point?.manifestKey, first.execution.getResult()?.manifestKey);

    // Whoever can write to the bucket, with a key of their own, later than all that is there.
    const attacker = new HmacAuthenticator('attacker');
    const forged = await run({
      volume: new CountingVolume(root),
      store,
      authenticator: attacker,
      now: () => daysLater(1),
    });
    const second = await run({ volume, store, authenticator, turnMs: 0, now: () => daysLater(2) });
    assert.equal(second.execution.getStatus(), 'SUCCEEDED');
    const { header } = (await listPoints(store, authenticator)).find(({ complete }) => complete)!;
    assert.equal(header?.parent, point?.manifestKey.slice(`${ARCHIVE}manifests/`.length));
    assert.deepEqual(header?.changes && [header.changes.since, header.changes.changed], [header?.parent, 0]);
    assert.equal(second.execution.getResult()?.changed, 0);
    assert.deepEqual(header?.warnings, [
      {
        path: forged.execution.getResult()!.manifestKey.slice(`${ARCHIVE}manifests/`.length),
        reason: 'an earlier point is not authentic: its MAC is wrong',
      },
    ]);
    assert.equal(second.execution.getResult()?.filesRead, 0);
  });

  it('signed for another archive than its own it is not, whatever the function that writes asks for', async () => {
    const store = new MemoryStore('archives/other/repository/');
    const authenticator = new HmacAuthenticator();
    const { execution } = await run({ volume: new CountingVolume(tree()), store, authenticator });
    assert.equal(execution.getStatus(), 'SUCCEEDED');
    const [point] = await listPoints(store, authenticator);
    assert.match(point?.problems[0] ?? '', /^the manifest was signed for the archive archives\/prod\/repository\//);
  });

  it('a turn ends after so many entries, whatever the time', async () => {
    const store = new MemoryStore();
    const { execution } = await run({ volume: new CountingVolume(tree()), store, maxEntries: 100 });
    assert.equal(execution.getResult()?.filesRead, FILES);
    assert.ok((execution.getResult()?.turns ?? 0) > 5);
  });

  it('whichever invocation dies, before or after its work: the same point, and only what it did is read again', async () => {
    const root = tree();
    const expected = await entriesOfOneProcess(root);
    const { invocations: all } = await run({
      volume: new CountingVolume(root),
      store: new MemoryStore(),
      turnMs: 0,
    });
    for (let dies = 1; dies <= all; dies += 1) {
      for (const how of ['before', 'after'] as const) {
        const volume = new CountingVolume(root);
        const store = new MemoryStore();
        // Since shards are beside each other, whose file is opened meanwhile is not known: their paths are.
        const lost = new Set<string>();
        let openedBefore = new Map<string, number>();
        const { execution } = await run({
          volume,
          store,
          turnMs: 0,
          meanwhile: (when, invocation) => {
            if (invocation !== dies) return;
            if (when === 'before') openedBefore = new Map(volume.opened);
            if (when !== how) return;
            for (const [path, times] of volume.opened) if (times !== openedBefore.get(path)) lost.add(path);
            throw new Error('killed');
          },
        });
        const where = `killed ${how} the work of invocation ${dies}`;
        assert.equal(execution.getStatus(), 'SUCCEEDED', where);
        for (const [path, times] of volume.opened) {
          assert.ok(times === 1 || (times === 2 && lost.has(path)), `${path} was read ${times} times, ${where}`);
        }
        if (how === 'before') assert.equal(lost.size, 0);
        assert.deepEqual(await entriesOf(store, execution.getResult()!.manifestKey), expected, where);
      }
    }
  });

  it('a turn that fails three times fails the export: no point, and the next export is not in its way', async () => {
    const root = tree();
    const store = new MemoryStore();
    let attempts = 0;
    const { execution } = await run({
      volume: new CountingVolume(root),
      store,
      turnMs: 0,
      meanwhile: (when, _, event) => {
        if (when === 'before' && event.action === 'finish') {
          attempts += 1;
          throw new Error('access denied: allow s3:PutObject');
        }
      },
    });
    assert.equal(attempts, 3);
    assert.equal(execution.getStatus(), 'FAILED');
    assert.match(execution.getError().errorMessage ?? '', /allow s3:PutObject/);
    assert.deepEqual(await listPoints(store), []);
    assert.ok(statesIn(store).length > 0);

    const second = await run({ volume: new CountingVolume(root), store });
    assert.equal(second.execution.getStatus(), 'SUCCEEDED');
  });

  it('prune deletes the state of an export when it is older than the time of grace', async () => {
    const root = tree();
    let at = MONDAY;
    const store = new MemoryStore('', undefined, { now: () => at });
    await run({ volume: new CountingVolume(root), store, turnMs: 0, now: () => at });
    assert.ok(statesIn(store).length > 5);
    const pruneAt = (days: number) => {
      at = daysLater(days);
      return prune({ store, policy: { last: 1 }, now: () => at });
    };
    await pruneAt(0);
    await pruneAt(6.9);
    assert.ok(statesIn(store).length > 5);
    await pruneAt(7.1);
    assert.deepEqual(statesIn(store), []);
    assert.equal((await listPoints(store))[0]?.complete, true);
  });

  it('a run that finds an older one ends, says which, and makes no point', async () => {
    const store = new MemoryStore();
    const others = [{ arn: 'arn:older', startedAt: '2099-01-05T09:00:00.000Z' }];
    const { execution, invocations } = await run({ volume: new CountingVolume(tree()), store, others });
    assert.equal(execution.getStatus(), 'FAILED');
    assert.match(
      execution.getError().errorMessage ?? '',
      /an older export of this volume, begun at 2099-01-05T09:00:00.000Z, still runs \(arn:older\)/,
    );
    assert.equal(invocations, 0);

    const younger = [{ arn: 'arn:younger', startedAt: '2099-01-05T10:00:00.001Z' }];
    assert.equal((await run({ volume: new CountingVolume(tree()), store, others: younger })).invocations, 1);
  });

  it('of runs that began together, one goes on', () => {
    const both = ['b', 'a'].map((arn) => ({ arn, startedAt: '2099-01-05T10:00:00.000Z' }));
    assert.equal(olderRun(both, 'a'), undefined);
    assert.equal(olderRun(both, 'b')?.arn, 'a');
    assert.equal(olderRun([], 'a'), undefined);
  });

  it('a state that is not what was saved is refused', async () => {
    const store = new MemoryStore('archives/prod/x/');
    const state = await beginExport({
      volume: new CountingVolume(tree()),
      store,
      volumeName: 'repository',
      mountedAt: 'repository',
    });
    const key = await saveState(store, state);
    assert.deepEqual(await loadState(store, key), JSON.parse(JSON.stringify(state)));
    const other = await saveState(store, { ...state, filesRead: 1 });
    store.objects.set(key, store.objects.get(other)!);
    await assert.rejects(
      loadState(store, key),
      /archives\/prod\/x\/turns\/.*: the state of the export is not what was saved/,
    );
    store.objects.delete(key);
    await assert.rejects(loadState(store, key), /the state of the export is missing/);
  });

  /** Not in the suite: minutes. `SOAK=1 npx tsx --test test/lambda/export/export.test.ts` */
  it('tree M in turns of two seconds, one in ten of which dies', { skip: !SOAK }, async () => {
    // That of the benchmarks, made once.
    const { root } = Tree.open(join(__dirname, '../../../.bench'), TREE_SIZES.M, '1');
    const random = randomFrom(5);
    const store = new MemoryStore();
    let killed = 0;
    const cpuBefore = process.cpuUsage();
    const { execution, invocations, answers } = await run({
      volume: new DirectoryVolume(root),
      store,
      turnMs: 2000,
      threads: 2,
      meanwhile: (when) => {
        if (random() >= 0.05) return;
        killed += 1;
        throw new Error(`killed ${when} its work`);
      },
    });
    // The clock is the runner's: it skips pauses.
    const { user, system } = process.cpuUsage(cpuBefore);
    assert.equal(execution.getStatus(), 'SUCCEEDED');
    const result = execution.getResult()!;
    assert.equal(result.problemCount, 0);
    assert.equal(result.filesRead, TREE_SIZES.M.files);
    assert.deepEqual(await entriesOf(store, result.manifestKey), await entriesOfOneProcess(root));
    assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
    const states = statesIn(store);
    console.log(
      JSON.stringify({
        files: result.files,
        invocations,
        killed,
        turns: result.turns,
        cpuSeconds: Math.round((user + system) / 1e6),
        peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
        largestAnswerBytes: Math.max(...answers.map(({ length }) => length)),
        states: states.length,
        largestStateKB: Math.round(Math.max(...states.map((key) => store.objects.get(key)!.length)) / 1024),
        storedMB: Math.round(result.bytesStored / 1e6),
      }),
    );
  });
});
