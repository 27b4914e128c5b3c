/** A volume that is made up as it is read: no file is anywhere. */
import { lookOf, type Volume, type VolumeLook, type VolumeStat } from '../../lambda/archive/volume';

export interface SyntheticVolumeOptions {
  readonly tenants: number;
  /** Each of about 3 kB, in five folders. */
  readonly filesOfTenant: number;
}

const FOLDERS = 5;
const FILE_BYTES = 3000;
const DAY_NS = 86_400_000_000_000n;

/** `tenants/<n>/folder<n>/artifact-<n>.xml`, each file with a content of its own. */
export class SyntheticVolume implements Volume {
  readonly description = 'a volume that is made up';
  /** Calls that would have gone to the file server. */
  calls = 0;
  /** Every so many files, one has been changed; 0 for none. */
  changed = 0;

  constructor(private readonly options: SyntheticVolumeOptions) {}

  readDirectory(path: string): string[] {
    this.calls += 1;
    const { tenants, filesOfTenant } = this.options;
    const depth = path === '' ? 0 : path.split('/').length;
    if (depth === 0) return ['tenants'];
    if (depth === 1) return Array.from({ length: tenants }, (_, tenant) => String(tenant + 1));
    if (depth === 2) return Array.from({ length: FOLDERS }, (_, folder) => `folder${folder}`);
    return Array.from({ length: filesOfTenant / FOLDERS }, (_, file) => `artifact-${file}.xml`);
  }

  stat(path: string): VolumeStat {
    this.calls += 1;
    return this.#stat(path);
  }

  look(path: string): VolumeLook {
    return lookOf(this.stat(path));
  }

  readLink(): string {
    throw new Error('there are no links');
  }

  open(path: string) {
    // open, fstat before and after, read, close.
    this.calls += 5;
    return {
      stat: () => this.#stat(path),
      read: (buffer: Buffer, offset: number, length: number) => {
        const version = this.#isChanged(numberOf(path)) ? 2 : 1;
        buffer.fill(`<artifact path="${path}" version="${version}"/>\n`, offset, offset + length, 'latin1');
        return length;
      },
      close() {},
    };
  }

  #isChanged(ino: number): boolean {
    return this.changed > 0 && ino % this.changed === 0;
  }

  #stat(path: string): VolumeStat {
    const ino = numberOf(path);
    const isFile = path.endsWith('.xml');
    const mtimeNs = 1_700_000_000_000_000_000n + BigInt(ino) + (isFile && this.#isChanged(ino) ? DAY_NS : 0n);
    return {
      type: isFile ? 'file' : 'directory',
      mode: isFile ? 0o644 : 0o755,
      uid: 802,
      gid: 802,
      size: isFile ? FILE_BYTES : 4096,
      mtimeNs,
      ctimeNs: mtimeNs,
      ino: BigInt(ino),
      dev: 1n,
      nlink: 1,
    };
  }
}

/** The same for the same path: FNV-1a. */
function numberOf(path: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < path.length; at += 1) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
