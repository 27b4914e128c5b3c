import { readdir, readFile } from 'node:fs/promises';
import type { RestoredTree } from './restored-tree';

/** Where secondary user stores are kept: of the super tenant, and of each tenant. */
export const SUPER_TENANT_USER_STORES = 'repository/deployment/server/userstores';
export const TENANTS = 'repository/tenants';

export interface UserStoreFile {
  /** Relative to `<IS_HOME>`. */
  readonly path: string;
  readonly read: () => Promise<string>;
}

export interface UserStoreFolders {
  readonly files: readonly UserStoreFile[];
  /** Folders that are links to what is on no volume, each with where it leads. */
  readonly elsewhere: readonly string[];
}

/** Every file of the folders: what ends otherwise than `.xml` the product does not deploy. */
export async function userStoreFiles(tree: RestoredTree): Promise<UserStoreFolders> {
  const folders = [SUPER_TENANT_USER_STORES];
  const elsewhere: string[] = [];
  const tenants = await tree.inspect(TENANTS);
  if (tenants.kind === 'link-outside') elsewhere.push(`${TENANTS} leads to ${tenants.target}`);
  if (tenants.kind === 'directory') {
    const ids = (await readdir(tenants.absolute))
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(a) - Number(b));
    folders.push(...ids.map((id) => `${TENANTS}/${id}/userstores`));
  }
  const files: UserStoreFile[] = [];
  for (const folder of folders) {
    const found = await tree.inspect(folder);
    if (found.kind === 'link-outside') elsewhere.push(`${folder} leads to ${found.target}`);
    if (found.kind !== 'directory') continue;
    for (const name of (await readdir(found.absolute)).filter((each) => each.toLowerCase().endsWith('.xml')).sort()) {
      const path = `${folder}/${name}`;
      const file = await tree.inspect(path);
      if (file.kind === 'link-outside') elsewhere.push(`${path} leads to ${file.target}`);
      if (file.kind === 'file') files.push({ path, read: () => readFile(file.absolute, 'utf8') });
    }
  }
  return { files, elsewhere };
}
