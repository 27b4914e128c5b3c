import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { choosePointWith, follow } from '../../../bin/recovery/in-place/choose-point-with';
import { restoreInPlace } from '../../../bin/recovery/in-place/restore-in-place';
import { checkServer } from '../../../bin/recovery/in-place/server-check';
import { exportVolume } from '../../../lambda/archive/export/export-volume';
import { dropReplaced } from '../../../lambda/archive/restore/replaced';
import { MemoryStore } from '../../../lambda/archive/memory-store';
import { DirectoryVolume } from '../../../lambda/archive/volume';

const folder = mkdtempSync(join(tmpdir(), 'in-place-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let home: string;
let volume: string;
let store: MemoryStore;
let clock = Date.parse('2026-11-24T10:00:00Z');

beforeEach(() => {
  home = join(folder, 'wso2is');
  volume = join(home, 'repository');
  store = new MemoryStore('archives/prod/repository/');
  rmSync(home, { recursive: true, force: true });
  for (const path of ['conf', 'database', 'logs', 'shared/tenants/7/userstores', 'shared/tenants/8']) {
    mkdirSync(join(volume, path), { recursive: true });
  }
  symlinkSync('shared/tenants', join(volume, 'tenants'));
  writeFileSync(join(volume, 'conf/deployment.toml'), 'good');
  writeFileSync(join(volume, 'database/WSO2CARBON_DB.mv.db'), 'h2');
  writeFileSync(join(volume, 'shared/tenants/7/userstores/A.xml'), 'A');
});

const read = (path: string) => readFileSync(join(volume, path), 'utf8');
const exportNow = async () =>
  (
    await exportVolume({
      volume: new DirectoryVolume(volume),
      store,
      volumeName: 'repository',
      mountedAt: 'repository',
      threads: 0,
      now: () => new Date((clock += 60_000)),
    })
  ).manifestKey;

describe('a whole volume', () => {
  test('what is in the directory is replaced; what was there is kept under one name, and can be put back', async () => {
    const manifestKey = await exportNow();
    writeFileSync(join(volume, 'conf/deployment.toml'), 'bad');
    writeFileSync(join(volume, 'newer'), 'newer');
    const outcome = await restoreInPlace({ store, manifestKey, directory: volume });
    const kept = join(volume, '.whole-volume.replaced-1');
    assert.deepEqual(outcome.replaced, [{ path: volume, keptAt: kept }]);
    assert.equal(read('conf/deployment.toml'), 'good');
    assert.deepEqual(readdirSync(volume).sort(), [
      '.whole-volume.replaced-1',
      'conf',
      'database',
      'logs',
      'shared',
      'tenants',
    ]);
    assert.deepEqual(readdirSync(kept).sort(), ['conf', 'database', 'logs', 'newer', 'shared', 'tenants']);
    assert.equal(readFileSync(join(kept, 'conf/deployment.toml'), 'utf8'), 'bad');
    // The next one keeps it, and no export takes it up.
    assert.equal(
      (await restoreInPlace({ store, manifestKey, directory: volume })).replaced[0]?.keptAt,
      join(volume, '.whole-volume.replaced-2'),
    );
    assert.ok(existsSync(kept));
    const again = await exportNow();
    assert.deepEqual(
      (await restoreInPlace({ store, manifestKey: again, directory: volume, dryRun: true })).files,
      outcome.files,
    );
  });

  test('drop-replaced drops all that was kept of it, and refuses where that is all there is', async () => {
    const manifestKey = await exportNow();
    for (let time = 0; time < 2; time += 1) await restoreInPlace({ store, manifestKey, directory: volume });
    const kept = [1, 2].map((number) => join(volume, `.whole-volume.replaced-${number}`));
    assert.deepEqual(await dropReplaced({ target: volume, dryRun: true }), kept);
    assert.deepEqual(await dropReplaced({ target: volume, paths: ['conf'] }), []);
    assert.deepEqual(await dropReplaced({ target: volume }), kept);
    assert.deepEqual(readdirSync(volume).sort(), ['conf', 'database', 'logs', 'shared', 'tenants']);

    await restoreInPlace({ store, manifestKey, directory: volume });
    for (const name of readdirSync(volume)) {
      if (!name.startsWith('.')) rmSync(join(volume, name), { recursive: true });
    }
    await assert.rejects(
      dropReplaced({ target: volume }),
      /nothing else is in .*: .*\.whole-volume\.replaced-1 is what there is/,
    );
    assert.ok(existsSync(kept[0]!));
  });

  test('an embedded database is in no export, and carried over', async () => {
    const manifestKey = await exportNow();
    writeFileSync(join(volume, 'database/WSO2CARBON_DB.mv.db'), 'h2 of now');
    const { carriedOver } = await restoreInPlace({ store, manifestKey, directory: volume });
    assert.deepEqual(carriedOver, [join(volume, 'database/WSO2CARBON_DB.mv.db')]);
    assert.equal(read('database/WSO2CARBON_DB.mv.db'), 'h2 of now');
  });

  test('what belongs to the file system, and what a restore of AWS Backup left, stays', async () => {
    const manifestKey = await exportNow();
    mkdirSync(join(volume, 'lost+found'));
    mkdirSync(join(volume, 'aws-backup-restore_2026'));
    const { leftAlone } = await restoreInPlace({ store, manifestKey, directory: volume });
    assert.deepEqual(leftAlone.map(({ path }) => path).sort(), [
      join(volume, 'aws-backup-restore_2026'),
      join(volume, 'lost+found'),
    ]);
    assert.ok(existsSync(join(volume, 'lost+found')) && existsSync(join(volume, 'aws-backup-restore_2026')));
  });

  test('a dry run, a damaged pack and a directory that is not there change nothing', async () => {
    const manifestKey = await exportNow();
    writeFileSync(join(volume, 'conf/deployment.toml'), 'bad');
    const preview = await restoreInPlace({ store, manifestKey, directory: volume, dryRun: true });
    assert.deepEqual(
      preview.replaced.map(({ path, keptAt }) => [path.slice(volume.length + 1), keptAt]).sort(),
      ['conf', 'database', 'logs', 'shared', 'tenants'].map((name) => [name, null]),
    );
    const before = readdirSync(volume);
    const pack = [...store.objects.keys()].find((key) => key.startsWith('packs/'))!;
    store.objects.set(pack, Buffer.alloc(store.objects.get(pack)!.length));
    await assert.rejects(restoreInPlace({ store, manifestKey, directory: volume }), /packs\//);
    assert.deepEqual(readdirSync(volume), before);
    assert.equal(read('conf/deployment.toml'), 'bad');
    await assert.rejects(
      restoreInPlace({ store, manifestKey, directory: join(folder, 'none') }),
      /must be the directory where the volume is mounted, got nothing/,
    );
  });
});

describe('a path alone', () => {
  test('a deleted tenant comes back from the newest point that has it, through the link of WSO2’s guide', async () => {
    await exportNow();
    writeFileSync(join(volume, 'shared/tenants/7/userstores/A.xml'), 'A2');
    const second = await exportNow();
    rmSync(join(volume, 'shared/tenants/7'), { recursive: true });
    await exportNow();
    const { point, paths } = await choosePointWith(store, ['tenants/7']);
    assert.deepEqual([point.manifestKey, paths], [second, ['shared/tenants/7']]);
    const outcome = await restoreInPlace({ store, manifestKey: point.manifestKey, directory: volume, paths });
    assert.deepEqual([outcome.files, outcome.replaced], [1, []]);
    assert.equal(read('tenants/7/userstores/A.xml'), 'A2');
    assert.deepEqual(readdirSync(join(volume, 'shared/tenants')).sort(), ['7', '8']);
  });

  test('what is there is kept beside it', async () => {
    const manifestKey = await exportNow();
    writeFileSync(join(volume, 'conf/deployment.toml'), 'bad');
    const { replaced } = await restoreInPlace({
      store,
      manifestKey,
      directory: volume,
      paths: ['conf/deployment.toml'],
    });
    assert.deepEqual(replaced, [
      { path: join(volume, 'conf/deployment.toml'), keptAt: join(volume, 'conf/.deployment.toml.replaced-1') },
    ]);
    assert.equal(read('conf/deployment.toml'), 'good');
  });

  test('an earlier time, a point that is not complete, and a path that no point has', async () => {
    const first = await exportNow();
    const atFirst = new Date(clock);
    writeFileSync(join(volume, 'conf/more.toml'), 'more');
    const second = await exportNow();
    assert.equal((await choosePointWith(store, ['conf'], atFirst)).point.manifestKey, first);
    assert.equal((await choosePointWith(store, ['conf'])).point.manifestKey, second);
    const newPack = [...store.objects.keys()].filter((key) => key.startsWith('packs/')).at(-1)!;
    store.objects.delete(newPack);
    const older = await choosePointWith(store, ['conf']);
    assert.deepEqual(
      [older.point.manifestKey, older.passedOver.map(({ manifestKey }) => manifestKey)],
      [first, [second]],
    );
    await assert.rejects(
      choosePointWith(store, ['tenants/9']),
      /none of the 1 complete points in memory:\/\/ holds tenants\/9/,
    );
  });

  test('links: followed within the volume, and no further', () => {
    assert.equal(follow('tenants/7/a', 'tenants', 'shared/tenants'), 'shared/tenants/7/a');
    assert.equal(follow('a/b/c', 'a/b', '../x'), 'x/c');
    for (const target of ['/mnt/share/tenants', '../elsewhere', '..']) {
      assert.throws(() => follow('tenants/7', 'tenants', target), /which is not on this volume/);
    }
  });
});

describe('whether a server runs', () => {
  const log = () => join(volume, 'logs/wso2carbon.log');
  const NOW = Date.parse('2026-11-24T12:00:00Z');
  const written = (secondsAgo: number) => {
    writeFileSync(log(), '');
    utimesSync(log(), new Date(NOW - secondsAgo * 1000), new Date(NOW - secondsAgo * 1000));
  };

  test('its pid file names a process of this machine: it does', () => {
    writeFileSync(join(home, 'wso2carbon.pid'), `${process.pid}\n`);
    const { signs, runsHere } = checkServer(volume, 'repository', undefined, NOW);
    assert.deepEqual(
      [signs, runsHere],
      [[`${home}/wso2carbon.pid names process ${process.pid}, which runs on this machine`], true],
    );
  });

  test('a pid file that was left: it does not, unless the server directory is shared', () => {
    // Above the largest that Linux gives.
    writeFileSync(join(home, 'wso2carbon.pid'), '4194305');
    const left = checkServer(volume, 'repository', undefined, NOW);
    assert.deepEqual(
      [left.signs, left.seen],
      [[], [`${home}/wso2carbon.pid names process 4194305, which does not run`]],
    );
    assert.match(checkServer(home, '', undefined, NOW).signs.join(), /none of this machine, and may be of another one/);
  });

  for (const [seconds, runs] of [
    [119, true],
    [120, false],
  ] as const) {
    test(`its log was written ${seconds} s ago: ${runs ? 'it may' : 'it does not'}`, () => {
      written(seconds);
      const { signs, seen } = checkServer(volume, 'repository', undefined, NOW);
      const line = `${log()} was ${runs ? '' : 'last '}written ${seconds} s ago`;
      assert.deepEqual([signs, seen], runs ? [[line], []] : [[], [line]]);
    });
  }

  test('nothing to look at is no sign, and no proof', () => {
    const elsewhere = join(folder, 'mnt');
    mkdirSync(elsewhere, { recursive: true });
    assert.deepEqual(checkServer(elsewhere, 'repository', undefined, NOW), { signs: [], seen: [], runsHere: false });
  });

  test('a server directory without a pid file is one', () => {
    mkdirSync(join(home, 'bin'));
    assert.deepEqual(checkServer(volume, 'repository', undefined, NOW).seen, [`${home} has no wso2carbon.pid`]);
    assert.deepEqual(checkServer(join(folder, 'mnt'), 'repository', home, NOW).seen, [`${home} has no wso2carbon.pid`]);
  });
});
