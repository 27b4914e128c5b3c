/**
 * An export of a volume that is too large for one invocation, without the volume and without the bucket: files are made up as
 * they are read, objects are counted and forgotten.
 *
 *   tsx benchmarks/scale/simulate.ts [tenants] [files of a tenant]
 */
import { createHash } from 'node:crypto';
import { decodeState, encodeState, beginExport, continueExport, finishExport } from '../../lambda/archive';
import type { ListedObject, ObjectStore } from '../../lambda/archive/object-store';
import type { Volume, VolumeStat } from '../../lambda/archive/volume';

const [tenants = 100_000, filesOfTenant = 100] = process.argv.slice(2).map(Number);
const FOLDERS = 5;
const FILE_BYTES = 3000;
/** What EFS takes for a call, and how many threads wait at the same time. */
const CALL_MS = 1;
const THREADS = 16;
/** Of an invocation's 15 minutes; the rest is for what is under way. */
const TURN_MS = 12 * 60 * 1000;

let calls = 0;

const stat = (type: VolumeStat['type'], ino: number): VolumeStat => ({
  type,
  mode: type === 'file' ? 0o644 : 0o755,
  uid: 802,
  gid: 802,
  size: type === 'file' ? FILE_BYTES : 4096,
  mtimeNs: 1_700_000_000_000_000_000n + BigInt(ino),
  ctimeNs: 1_700_000_000_000_000_000n + BigInt(ino),
  ino: BigInt(ino),
  dev: 1n,
  nlink: 1,
});

const inode = (path: string) => createHash('md5').update(path).digest().readUInt32LE(0);

/** `tenants/<n>/<folder>/<file>.xml`, each file with its own content. */
const volume: Volume = {
  description: 'a volume that is made up',
  readDirectory(path) {
    calls += 1;
    const depth = path === '' ? 0 : path.split('/').length;
    if (depth === 0) return ['tenants'];
    if (depth === 1) return Array.from({ length: tenants }, (_, tenant) => String(tenant + 1));
    if (depth === 2) return Array.from({ length: FOLDERS }, (_, folder) => `folder${folder}`);
    return Array.from({ length: filesOfTenant / FOLDERS }, (_, file) => `artifact-${file}.xml`);
  },
  stat(path) {
    calls += 1;
    return stat(path.endsWith('.xml') ? 'file' : 'directory', inode(path));
  },
  readLink: () => '',
  open(path) {
    calls += 4;
    return {
      stat: () => stat('file', inode(path)),
      read(buffer, offset, length) {
        const line = `<artifact path="${path}" id="${inode(path)}"/>\n`;
        buffer.fill(line, offset, offset + length, 'latin1');
        return length;
      },
      close() {},
    };
  },
};

const requests = { put: 0, get: 0, list: 0, head: 0 };
const sizes = new Map<string, number>();
let stored = 0;
/** Pages are read again, by the turns that follow; packs are not. */
const pages = new Map<string, Buffer>();

const store: ObjectStore = {
  prefix: 'archives/simulated/tenants/',
  description: 'nowhere',
  async put(key, body) {
    requests.put += 1;
    sizes.set(key, body.length);
    stored += body.length;
    if (!key.startsWith('packs/')) pages.set(key, Buffer.from(body));
    return 'created';
  },
  async get(key) {
    requests.get += 1;
    return pages.get(key);
  },
  async head() {
    requests.head += 1;
    return undefined;
  },
  async *list(prefix): AsyncIterable<ListedObject> {
    let count = 0;
    for (const [key, bytes] of sizes) {
      if (!key.startsWith(prefix)) continue;
      if (count++ % 1000 === 0) requests.list += 1;
      yield { key, bytes, modified: new Date() };
    }
  },
  async delete() {},
  time: () => Promise.resolve(new Date()),
  defaultRetention: () => Promise.resolve(undefined),
  async extendLock() {},
};

async function exportOnce(label: string): Promise<void> {
  Object.assign(requests, { put: 0, get: 0, list: 0, head: 0 });
  calls = 0;
  stored = 0;
  const options = { volume, store, volumeName: 'tenants', mountedAt: 'repository' };
  let state = await beginExport(options);
  let turns = 0;
  let modelled = 0;
  let largestState = 0;
  let cpu = 0;
  let peakRss = 0;
  while (state.left.length > 0) {
    const [cpuBefore, callsBefore] = [process.cpuUsage(), calls];
    const elapsed = () => {
      const { user, system } = process.cpuUsage(cpuBefore);
      return Math.max((user + system) / 1000, ((calls - callsBefore) * CALL_MS) / THREADS);
    };
    state = await continueExport(options, state, () => {
      peakRss = Math.max(peakRss, process.memoryUsage.rss());
      return elapsed() > TURN_MS;
    });
    modelled += elapsed();
    cpu += process.cpuUsage(cpuBefore).user / 1e6;
    const bytes = encodeState(state);
    largestState = Math.max(largestState, bytes.length);
    state = decodeState(bytes);
    turns += 1;
    requests.put += 1;
    requests.get += 1;
  }
  const { counts, filesRead } = await finishExport(options, state);
  const held = [...pages.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(
    JSON.stringify({
      label,
      files: counts.files,
      directories: counts.directories,
      filesRead,
      calls,
      turns,
      modelledMinutes: Math.round(modelled / 60_000),
      cpuSeconds: Math.round(cpu),
      requests,
      storedMB: Math.round(stored / 1e6),
      largestStateKB: Math.round(largestState / 1e3),
      peakRssMB: Math.round((peakRss - held) / 1e6),
      heldByTheSimulationMB: Math.round(held / 1e6),
    }),
  );
}

async function main() {
  await exportOnce('first export');
  await exportOnce('nothing changed');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
