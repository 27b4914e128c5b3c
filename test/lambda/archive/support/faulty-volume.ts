/** A volume that misbehaves by script: a real folder, with something that happens beside or instead of a call. */
import { DirectoryVolume, type Volume, type VolumeFile, type VolumeStat } from '../../../../lambda/archive';
import { lookOf } from '../../../../lambda/archive/volume';

/** Called before the real call, with the path; what it throws is what the call throws. */
export interface VolumeScript {
  readonly readDirectory?: (path: string) => void;
  readonly stat?: (path: string) => void;
  readonly readLink?: (path: string) => void;
  readonly open?: (path: string) => void;
  readonly read?: (path: string, position: number) => void;
  /** Before the file is asked for its state, which is after it was read. */
  readonly fileStat?: (path: string) => void;
  /** Changes what a call answers. */
  readonly answers?: {
    readonly stat?: (path: string, stat: VolumeStat) => VolumeStat;
    /** Number of bytes that a read claims, of those that it got. */
    readonly read?: (path: string, position: number, bytes: number) => number;
  };
}

export interface FaultyVolume extends Volume {
  /** Each call, as `open conf/a`. */
  readonly calls: string[];
}

export function faultyVolume(root: string, script: VolumeScript): FaultyVolume {
  const volume = new DirectoryVolume(root);
  const calls: string[] = [];
  const change = script.answers?.stat ?? ((_, stat) => stat);
  const note = (call: 'readDirectory' | 'stat' | 'readLink' | 'open', path: string) => {
    calls.push(`${call} ${path}`);
    script[call]?.(path);
  };
  return {
    description: root,
    calls,
    readDirectory(path) {
      note('readDirectory', path);
      return volume.readDirectory(path);
    },
    stat(path) {
      note('stat', path);
      return change(path, volume.stat(path));
    },
    look(path) {
      note('stat', path);
      return lookOf(change(path, volume.stat(path)));
    },
    readLink(path) {
      note('readLink', path);
      return volume.readLink(path);
    },
    open(path): VolumeFile {
      note('open', path);
      const file = volume.open(path);
      return {
        stat() {
          script.fileStat?.(path);
          return change(path, file.stat());
        },
        read(buffer, offset, length, position) {
          script.read?.(path, position);
          const bytes = file.read(buffer, offset, length, position);
          return script.answers?.read?.(path, position, bytes) ?? bytes;
        },
        close: () => file.close(),
      };
    },
  };
}

const TEXTS = {
  EACCES: 'permission denied',
  EIO: 'i/o error',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ESTALE: 'stale file handle',
} as const;

export function fail(code: keyof typeof TEXTS): never {
  throw Object.assign(new Error(`${code}: ${TEXTS[code]}`), { code });
}

/** Fails so many times, then no more. */
export function failing(code: keyof typeof TEXTS, times: number): () => void {
  let left = times;
  return () => {
    if (left > 0) {
      left -= 1;
      fail(code);
    }
  };
}
