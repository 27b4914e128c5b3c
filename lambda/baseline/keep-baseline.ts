import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../archive/errors';
import type { ObjectStore } from '../archive/object-store';
import type { Logger } from '../shared/log';
import type { BaselineNote, BaselineResult } from './contract';
import { makeBaseline, readRecord } from './make-baseline';
import { productVersionOf } from './product-version';

export interface KeepOptions {
  readonly deployment: string;
  /** Where `<IS_HOME>` is. */
  readonly directory: string;
  /** Default: as README.txt says. */
  readonly productVersion?: string;
  /** The archive of the baseline of a version. */
  readonly storeOf: (productVersion: string) => ObjectStore;
  readonly notes: NoteStore;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Where the note is: one object, written over. */
export interface NoteStore {
  read(): Promise<BaselineNote | undefined>;
  write(note: BaselineNote): Promise<void>;
}

/** @throws what makes a baseline impossible that ought to be possible, after it was noted */
export async function keepBaseline(options: KeepOptions): Promise<BaselineResult> {
  const { deployment, directory, log } = options;
  if (!isServerDirectory(directory)) {
    return none(options, null, 'the volume holds no server directory yet, with bin and repository in it');
  }
  const productVersion = options.productVersion ?? productVersionOf(directory);
  if (productVersion === undefined) {
    return none(
      options,
      null,
      'README.txt in the server directory does not say which product version it is: give `productVersion`',
    );
  }
  const store = options.storeOf(productVersion);
  if (await readRecord(store)) {
    log.info('is there', { productVersion });
    return { deployment, outcome: 'is-there', productVersion };
  }
  try {
    // Another run may have made it meanwhile: its own is as good.
    const { outcome } = await makeBaseline({ store, deployment, productVersion, directory });
    log.info('kept', { productVersion, outcome });
    return { deployment, outcome: outcome === 'made' ? 'made' : 'is-there', productVersion };
  } catch (error) {
    await note(options, `the baseline of ${productVersion} failed: ${messageOf(error)}`);
    throw error;
  }
}

export const isServerDirectory = (directory: string): boolean =>
  existsSync(join(directory, 'repository')) && existsSync(join(directory, 'bin'));

async function none(options: KeepOptions, productVersion: null, reason: string): Promise<BaselineResult> {
  options.log.warn('no baseline', { reason });
  await note(options, reason);
  return { deployment: options.deployment, outcome: 'none', productVersion, reason };
}

/** Once for each reason: in a bucket with object lock every version of it stays. */
async function note({ deployment, notes, now }: KeepOptions, reason: string): Promise<void> {
  if ((await notes.read())?.reason === reason) return;
  await notes.write({ formatVersion: 1, deployment, at: now().toISOString(), reason });
}
