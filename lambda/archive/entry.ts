/** The entries of a point, and their lines: JSON whose bytes are the same for the same entry, so that lines compare. */
import { isPlain } from './byte-path';
import type { VolumeStat } from './volume';

export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

export type ManifestEntry = FileEntry | DirectoryEntry | LinkEntry;

interface EntryBase extends Ownership {
  /** Relative to the volume; bytes that are not UTF-8 as lone surrogates (see byte-path.ts). */
  readonly path: string;
}

export interface FileEntry extends EntryBase {
  readonly type: 'file';
  readonly size: number;
  readonly sha256: string;
  readonly ctimeNs: string;
  readonly ino: string;
  /** In order; empty for an empty file. */
  readonly pieces: readonly Piece[];
  /** It changed during every attempt to read it: the content is what the last attempt read. */
  readonly unstable?: true;
}

export interface DirectoryEntry extends EntryBase {
  readonly type: 'directory';
  /** Absent in what was written before these were; see docs/archive-format.md. */
  readonly ctimeNs?: string;
  readonly ino?: string;
}

/** `target` of a symlink is its text; of a hard link, the path of a file entry of this manifest. */
export interface LinkEntry extends EntryBase {
  readonly type: 'symlink' | 'hardlink';
  readonly target: string;
}

/** A part of a file's content: `size` bytes after the first `skip` bytes of one decoded frame. */
export interface Piece {
  /** SHA-256 of the pack, which is its name. */
  readonly pack: string;
  /** The frame in the pack. */
  readonly offset: number;
  readonly length: number;
  readonly skip: number;
  readonly size: number;
}

const text = (value: string) => (isPlain(value) && !/["\\]/.test(value) ? `"${value}"` : JSON.stringify(value));

const owned = ({ mode, uid, gid, mtimeNs }: VolumeStat) =>
  `"mode":${mode},"uid":${uid},"gid":${gid},"mtimeNs":"${mtimeNs}"`;

/** A file's line up to where its content is: what an unchanged file has in common with its line in the parent. */
export const fileLineStart = (path: string, stat: VolumeStat): string =>
  `{"path":${text(path)},"type":"file",${owned(stat)},"size":${stat.size},"ctimeNs":"${stat.ctimeNs}","ino":"${stat.ino}"`;

/** @param content `"sha256":...,"pieces":[...]`, and `"unstable":true` where it applies */
export const fileLine = (start: string, content: string): string => `${start},${content}}\n`;

export const directoryLine = (path: string, stat: VolumeStat): string =>
  `{"path":${text(path)},"type":"directory",${owned(stat)},"ctimeNs":"${stat.ctimeNs}","ino":"${stat.ino}"}\n`;

export const linkLine = (type: 'symlink' | 'hardlink', path: string, stat: VolumeStat, target: string): string =>
  `{"path":${text(path)},"type":"${type}",${owned(stat)},"target":${text(target)}}\n`;

const PATH_AT = '{"path":"'.length;
const QUOTE = 0x22;
const NEWLINE = 10;

/** The path of the line that begins at `start`, without parsing the rest of it. */
export function pathOfLine(lines: Buffer, start: number): string {
  const path = lines.toString('utf8', start + PATH_AT, lines.indexOf(QUOTE, start + PATH_AT));
  if (!path.includes('\\')) return path;
  try {
    return (JSON.parse(lines.toString('utf8', start, lines.indexOf(NEWLINE, start))) as { path: string }).path;
  } catch {
    // No line of an export: of no path that there is.
    return path;
  }
}
