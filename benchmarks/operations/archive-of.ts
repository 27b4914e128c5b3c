/** A contender's archive on the server, and its cache: begun anew as often as wanted. */
import { CreateBucketCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Archive, Contender } from '../contenders/contender';
import { execute, type Measured } from '../measure/execute';
import type { ObjectServer } from '../server/server';
import { differences, type Fingerprint, fingerprint } from '../tree/compare';

export interface Place {
  readonly server: ObjectServer;
  /** On a memory-backed disk where there is one: restored trees and the contenders' caches. */
  readonly scratch: string;
}

/** A restored tree is not what was exported. */
export class TreesDiffer extends Error {}

export class ArchiveOf {
  readonly archive: Archive;

  constructor(
    private readonly place: Place,
    private readonly contender: Contender,
    /** Where the contender finds the server, when not at its own address. */
    endpoint = place.server.endpoint,
  ) {
    const name = contender.name.replace(/[^a-z0-9]+/g, '-');
    this.archive = {
      endpoint,
      bucket: `bench-${name}`,
      credentials: place.server.credentials,
      cacheDir: join(place.scratch, `cache-${name}`),
      homeDir: join(place.scratch, `home-${name}`),
    };
    mkdirSync(this.archive.homeDir, { recursive: true });
  }

  async begin(): Promise<void> {
    await this.end();
    mkdirSync(this.archive.cacheDir, { recursive: true });
    await this.place.server.client.send(new CreateBucketCommand({ Bucket: this.archive.bucket }));
    const command = this.contender.initialise?.(this.archive);
    if (command) await execute(command);
  }

  async end(): Promise<void> {
    await this.place.server.discard(this.archive.bucket);
    rmSync(this.archive.cacheDir, { recursive: true, force: true });
  }

  export(tree: string): Promise<Measured> {
    return execute(this.contender.export(tree, this.archive));
  }

  /**
   * Restores, and compares what came with what was exported.
   *
   * @throws TreesDiffer
   */
  async restore(expected: Fingerprint): Promise<Measured> {
    const target = join(this.place.scratch, 'restored');
    try {
      const measured = await execute(this.contender.restore(this.archive, target));
      const found = differences(expected, fingerprint(target), this.contender.keeps);
      if (found.length > 0) {
        throw new TreesDiffer(`${this.contender.name} restored another tree than it exported:\n${found.join('\n')}`);
      }
      return measured;
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  }

  /** Undefined: the contender has no such thing. */
  async verify(): Promise<Measured | undefined> {
    const command = this.contender.verify?.(this.archive);
    return command && (await execute(command));
  }

  async storedBytes(): Promise<number> {
    let bytes = 0;
    const pages = paginateListObjectsV2({ client: this.place.server.client }, { Bucket: this.archive.bucket });
    for await (const { Contents } of pages) for (const { Size } of Contents ?? []) bytes += Size ?? 0;
    return bytes;
  }
}
