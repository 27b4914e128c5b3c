/** Very many empty files in one directory, which no disk has to hold. */
import type { Volume, VolumeStat } from '../../../../lambda/archive';
import { lookOf } from '../../../../lambda/archive/volume';

const stat = (type: VolumeStat['type']): VolumeStat => ({
  type,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 1n,
  ctimeNs: 1n,
  ino: 1n,
  dev: 1n,
  nlink: 1,
});

const statOf = (path: string) => stat(path === '' || path === 'd' ? 'directory' : 'file');

export const flatVolume = (names: readonly string[]): Volume => ({
  description: 'generated',
  readDirectory: (path) => (path === '' ? ['d'] : [...names]),
  stat: statOf,
  look: (path) => lookOf(statOf(path)),
  readLink: () => {
    throw new Error('no links');
  },
  open: () => ({ stat: () => stat('file'), read: () => 0, close: () => {} }),
});
