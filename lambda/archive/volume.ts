import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises';
import { pathFromBytes, pathToBytes } from './byte-path';

/** The volume to read; paths are relative to its top, which is the empty path. */
export interface Volume {
  /** For messages. */
  readonly description: string;
  /** Names, in no order. */
  readDirectory(path: string): Promise<readonly string[]>;
  /** Never follows a link. */
  stat(path: string): Promise<VolumeStat>;
  readLink(path: string): Promise<string>;
  /** Opens a regular file for reading; fails when the last part of the path is a link. */
  open(path: string): Promise<VolumeFile>;
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

export interface VolumeFile {
  stat(): Promise<VolumeStat>;
  /** Number of bytes read, less than asked for only at the end of the file. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A folder of this machine, such as the mount path of an EFS file system. */
export class DirectoryVolume implements Volume {
  readonly description: string;
  readonly #root: Buffer;

  constructor(root: string) {
    this.description = root;
    this.#root = Buffer.from(root.replace(/\/+$/, '') || '/');
  }

  async readDirectory(path: string): Promise<readonly string[]> {
    return (await readdir(this.#at(path), { encoding: 'buffer' })).map(pathFromBytes);
  }

  async stat(path: string): Promise<VolumeStat> {
    return toStat(await lstat(this.#at(path), { bigint: true }));
  }

  async readLink(path: string): Promise<string> {
    return pathFromBytes(await readlink(this.#at(path), { encoding: 'buffer' }));
  }

  async open(path: string): Promise<VolumeFile> {
    // O_NONBLOCK: a FIFO that took the file's place must not hang the export.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return new HandleFile(await open(this.#at(path), flags));
  }

  #at(path: string): Buffer {
    return path === '' ? this.#root : Buffer.concat([this.#root, Buffer.from('/'), pathToBytes(path)]);
  }
}

class HandleFile implements VolumeFile {
  constructor(private readonly handle: FileHandle) {}

  async stat(): Promise<VolumeStat> {
    return toStat(await this.handle.stat({ bigint: true }));
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let total = 0;
    while (total < buffer.length) {
      const { bytesRead } = await this.handle.read(buffer, total, buffer.length - total, position + total);
      if (bytesRead === 0) break;
      total += bytesRead;
    }
    return total;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

const toStat = (stat: BigIntStats): VolumeStat => ({
  type: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other',
  mode: Number(stat.mode & 0o7777n),
  uid: Number(stat.uid),
  gid: Number(stat.gid),
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  ctimeNs: stat.ctimeNs,
  ino: stat.ino,
  dev: stat.dev,
  nlink: Number(stat.nlink),
});
