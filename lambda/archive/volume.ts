import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs';
import { isPlain, pathFromBytes } from './byte-path';
import { atPath, MAX_PLAIN_PATH } from './long-path';

/**
 * The volume to read; paths are relative to its top, which is the empty path. Its calls are synchronous: on a local disk
 * that is several times as fast as promises, and where a call takes long (EFS), several threads make them at once.
 */
export interface Volume {
  /** For messages. */
  readonly description: string;
  /** Names, in no order. */
  readDirectory(path: string): string[];
  /** Never follows a link. */
  stat(path: string): VolumeStat;
  /**
   * The same in numbers, for a first look: half the memory, but times and inodes are not exact. Never follows a link.
   *
   * @param path of printable ASCII
   */
  look(path: string): VolumeLook;
  readLink(path: string): string;
  /** Opens a regular file for reading; fails when the last part of the path is a link. */
  open(path: string): VolumeFile;
}

export interface VolumeStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly nlink: number;
}

/** What of an entry numbers can say: enough to know whether it changed since it was there long ago. */
export interface VolumeLook {
  /** With the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly nlink: number;
  /** Exact only where it is a safe integer. */
  readonly ino: number;
  /** To about a quarter of a microsecond. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export interface VolumeFile {
  stat(): VolumeStat;
  /** Number of bytes read into `buffer` from `offset` on, less than asked for only at the end of the file. */
  read(buffer: Buffer, offset: number, length: number, position: number): number;
  close(): void;
}

// O_NONBLOCK: a FIFO that took the file's place must not hang the export.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder of this machine, such as the mount path of an EFS file system. */
export class DirectoryVolume implements Volume {
  readonly description: string;
  readonly #root: string;
  readonly #prefix: string;

  constructor(root: string) {
    this.description = root;
    this.#root = root.replace(/\/+$/, '') || '/';
    this.#prefix = `${this.#root}/`;
  }

  readDirectory(path: string): string[] {
    return atPath(this.#root, path, (at) => {
      const names = readdirSync(at);
      // A link that took the directory's place was followed: what it leads to is not of this volume.
      if (path !== '' && !lstatSync(at).isDirectory()) throw new Error('is no directory now, was one before');
      // A name that is not UTF-8 shows as a replacement character, and is asked for again as bytes.
      return names.every(isPlain) ? names : readdirSync(at, { encoding: 'buffer' }).map(pathFromBytes);
    });
  }

  stat(path: string): VolumeStat {
    return toStat(atPath(this.#root, path, (at) => lstatSync(at, { bigint: true })));
  }

  look(path: string): VolumeLook {
    if (this.#root.length + path.length >= MAX_PLAIN_PATH) return atPath(this.#root, path, lookAt);
    return lstatSync(this.#prefix + path);
  }

  readLink(path: string): string {
    return pathFromBytes(atPath(this.#root, path, (at) => readlinkSync(at, { encoding: 'buffer' })));
  }

  open(path: string): VolumeFile {
    return new DescriptorFile(atPath(this.#root, path, (at) => openSync(at, OPEN_FLAGS)));
  }
}

const lookAt = (at: string | Buffer): VolumeLook => lstatSync(at);

class DescriptorFile implements VolumeFile {
  constructor(private readonly descriptor: number) {}

  stat(): VolumeStat {
    return toStat(fstatSync(this.descriptor, { bigint: true }));
  }

  read(buffer: Buffer, offset: number, length: number, position: number): number {
    let total = 0;
    while (total < length) {
      const read = readSync(this.descriptor, buffer, offset + total, length - total, position + total);
      if (read === 0) break;
      total += read;
    }
    return total;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

const TYPES: Readonly<Record<number, VolumeStat['type']>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
};

/** Of a volume that has no cheaper way to look. */
export const lookOf = ({ type, mode, mtimeNs, ctimeNs, ino, uid, gid, size, nlink }: VolumeStat): VolumeLook => ({
  mode: (MODES[type] ?? 0) | mode,
  uid,
  gid,
  size,
  nlink,
  ino: Number(ino),
  mtimeMs: Number(mtimeNs) / 1e6,
  ctimeMs: Number(ctimeNs) / 1e6,
});

const MODES: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(TYPES).map(([mode, type]) => [type, Number(mode)]),
);

function toStat(stat: BigIntStats): VolumeStat {
  const mode = Number(stat.mode);
  return {
    type: TYPES[mode & constants.S_IFMT] ?? 'other',
    mode: mode & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    dev: stat.dev,
    nlink: Number(stat.nlink),
  };
}
