/**
 * The timed operations, contender after contender, round after round: each operation of a round is done by all
 * contenders one right after the other, in turning order, so that what slows the machine slows all of them.
 */
import { CreateBucketCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Archive, Contender } from '../contenders/contender';
import { type Command, execute } from '../measure/execute';
import type { ObjectServer } from '../server/server';
import { differences, type Fingerprint, fingerprint } from '../tree/compare';
import type { Tree } from '../tree/tree';
import type { Timed } from './names';

export interface Sample {
  readonly contender: string;
  readonly operation: Timed;
  /** From 1. */
  readonly round: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Bytes of all objects of a contender's archive after its first full export. */
export type Stored = Readonly<Record<string, number>>;

export interface Rounds {
  readonly server: ObjectServer;
  readonly tree: Tree;
  readonly contenders: readonly Contender[];
  readonly operations: ReadonlySet<Timed>;
  readonly rounds: number;
  /** On a memory-backed disk where there is one: restored trees and the contenders' caches. */
  readonly scratch: string;
  readonly say: (line: string) => void;
}

/** A restored tree is not what was exported. */
export class TreesDiffer extends Error {}

export async function runRounds(run: Rounds): Promise<{ samples: Sample[]; stored: Stored }> {
  const { tree, operations, contenders } = run;
  const samples: Sample[] = [];
  const stored: Record<string, number> = {};
  const archives = new Map(contenders.map((contender) => [contender, new ArchiveOf(run, contender)]));
  const archiveOf = (contender: Contender) => archives.get(contender)!;
  /** What each contender has exported last: what its restore has to bring. */
  const exported = new Map<Contender, Fingerprint>();

  const measure = async (operation: Timed, round: number, contender: Contender, command: Command): Promise<void> => {
    run.say(`round ${round} of ${run.rounds}: ${operation}, ${contender.name}`);
    const { seconds, cpuSeconds, peakBytes } = await execute(command);
    if (operations.has(operation)) {
      samples.push({ contender: contender.name, operation, round, seconds, cpuSeconds, peakBytes });
    }
  };

  const exportAll = async (operation: Timed, round: number, some: readonly Contender[]): Promise<void> => {
    // Reads the whole tree, which warms it up for whoever is first.
    const expected = fingerprint(tree.root);
    for (const contender of some) {
      await measure(operation, round, contender, contender.export(tree.root, archiveOf(contender).archive));
      exported.set(contender, expected);
    }
  };

  const restoreAll = async (round: number, some: readonly Contender[]): Promise<void> => {
    const target = join(run.scratch, 'restored');
    for (const contender of some) {
      try {
        await measure('restore', round, contender, contender.restore(archiveOf(contender).archive, target));
        const found = differences(exported.get(contender)!, fingerprint(target), contender.keeps);
        if (found.length > 0) {
          throw new TreesDiffer(`${contender.name} restored another tree than it exported:\n${found.join('\n')}`);
        }
      } finally {
        rmSync(target, { recursive: true, force: true });
      }
    }
  };

  try {
    for (let round = 1; round <= run.rounds; round += 1) {
      const taking = contenders.filter(({ slow }) => !slow || round === 1);
      const inTurn = round % 2 === 1 ? taking : taking.toReversed();
      const incremental = inTurn.filter((contender) => contender.incremental);

      if (round === 1 || operations.has('full')) {
        tree.reset();
        for (const contender of inTurn) await archiveOf(contender).begin();
        await exportAll('full', round, inTurn);
      }
      if (round === 1) {
        for (const contender of inTurn) stored[contender.name] = await archiveOf(contender).storedBytes();
      }
      if (operations.has('unchanged')) await exportAll('unchanged', round, incremental);
      if (operations.has('changed')) {
        tree.mutate();
        await exportAll('changed', round, incremental);
      }
      // Whatever is measured, what was exported has to come back.
      if (round === 1 || operations.has('restore')) await restoreAll(round, inTurn);
      if (operations.has('verify')) {
        for (const contender of inTurn) {
          const command = contender.verify?.(archiveOf(contender).archive);
          if (command) await measure('verify', round, contender, command);
        }
      }
    }
    return { samples, stored };
  } finally {
    tree.reset();
    for (const archive of archives.values()) await archive.end();
  }
}

/** A contender's archive, and its cache, begun anew as often as wanted. */
export class ArchiveOf {
  readonly archive: Archive;

  constructor(
    private readonly run: { readonly server: ObjectServer; readonly scratch: string },
    private readonly contender: Contender,
    /** Where the contender finds the server, when not at its own address. */
    endpoint = run.server.endpoint,
  ) {
    const name = contender.name.replace(/[^a-z0-9]+/g, '-');
    this.archive = {
      endpoint,
      bucket: `bench-${name}`,
      credentials: run.server.credentials,
      cacheDir: join(run.scratch, `cache-${name}`),
    };
  }

  async begin(): Promise<void> {
    await this.end();
    mkdirSync(this.archive.cacheDir, { recursive: true });
    await this.run.server.client.send(new CreateBucketCommand({ Bucket: this.archive.bucket }));
    const command = this.contender.initialise?.(this.archive);
    if (command) await execute(command);
  }

  async end(): Promise<void> {
    await this.run.server.discard(this.archive.bucket);
    rmSync(this.archive.cacheDir, { recursive: true, force: true });
  }

  async storedBytes(): Promise<number> {
    let bytes = 0;
    const pages = paginateListObjectsV2({ client: this.run.server.client }, { Bucket: this.archive.bucket });
    for await (const { Contents } of pages) for (const { Size } of Contents ?? []) bytes += Size ?? 0;
    return bytes;
  }
}
