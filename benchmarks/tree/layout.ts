/** Which files a tree has: paths, sizes and what their content is made from. Pure. */
import { normal, pick, randomOf, type Random } from './random';

export type TreeSizeName = 'S' | 'M' | 'L';

export interface TreeSize {
  readonly name: TreeSizeName;
  /** Regular files. */
  readonly files: number;
  /** Content of all files, about. */
  readonly bytes: number;
  readonly tenants: number;
  /** jar and war files: how many, and their content in all, about. */
  readonly libraries: number;
  readonly libraryBytes: number;
}

const M = { files: 100_000, bytes: 900e6, tenants: 5_000, libraries: 1_200, libraryBytes: 600e6 };
const times = (name: TreeSizeName, factor: number): TreeSize => ({
  name,
  files: M.files * factor,
  bytes: M.bytes * factor,
  tenants: M.tenants * factor,
  libraries: M.libraries * factor,
  libraryBytes: M.libraryBytes * factor,
});

/** M is the tree of the targets; L, ten times as large, shows what memory depends on; S is for a quick smoke. */
export const TREE_SIZES: Readonly<Record<TreeSizeName, TreeSize>> = {
  S: times('S', 1 / 50),
  M: times('M', 1),
  L: times('L', 10),
};

export interface TreeFile {
  /** Relative to the top of the tree. */
  readonly path: string;
  readonly kind: 'text' | 'library';
  readonly bytes: number;
  /** Files with the same key have the same content. */
  readonly contentKey: string;
  readonly mode: number;
  /** Whole seconds since 1970: what every contender keeps. */
  readonly mtimeSeconds: number;
}

export interface TreeLink {
  readonly path: string;
  readonly target: string;
}

export interface Layout {
  readonly files: readonly TreeFile[];
  readonly links: readonly TreeLink[];
}

/** Raised when the same seed gives another tree than before: trees on disk are made anew. */
export const LAYOUT_VERSION = 1;

/** 2026-01-01T00:00:00Z; files are up to 300 days older. */
export const NEWEST_MTIME_SECONDS = 1_767_225_600;

/** What a tenant has, over and over until it has its number of files. `shared`: tenants start with the same content. */
const TENANT_FILES: readonly { readonly path: string; readonly shared?: true }[] = [
  { path: 'userstores/DOMAIN-%.xml' },
  { path: 'synapse-configs/default/sequences/main-%.xml', shared: true },
  { path: 'identity/application-%.xml' },
  { path: 'identity/provider-%.xml' },
  { path: 'eventpublishers/publisher-%.xml', shared: true },
  { path: 'eventpublishers/org.wso2.identity.stream-%_1.0.0.json' },
  { path: 'identity/email-template-%.xml', shared: true },
  { path: 'synapse-configs/default/sequences/policy-%.xml' },
  { path: 'identity/claim-dialect-%.xml' },
  { path: 'identity/role-%.xml' },
];

/** One in so many small files is the product's own configuration and not a tenant's. */
const PRODUCT_SHARE = 50;

export function layout(size: TreeSize, seed: string): Layout {
  const libraries = sized(libraryFiles(size, seed), size.libraryBytes, 20_000);
  const texts = sized(textFiles(size, seed, size.files - size.libraries), size.bytes - size.libraryBytes, 300);
  const links = Array.from({ length: Math.ceil(size.tenants / 100) }, (_, index) => ({
    path: `repository/tenants/${index * 100 + 1}/jaggeryapps`,
    target: '../../deployment/server/jaggeryapps',
  }));
  return { files: [...texts, ...libraries], links };
}

interface Unsized extends Omit<TreeFile, 'bytes'> {
  readonly weight: number;
}

function libraryFiles({ libraries }: TreeSize, seed: string): Unsized[] {
  return Array.from({ length: libraries }, (_, index) => {
    // Most bundles are small, a few webapps are not.
    const webapp = index % 60 === 0;
    const path = webapp
      ? `repository/deployment/server/webapps/app-${index}.war`
      : `repository/components/plugins/org.wso2.carbon.bundle${index}_${1 + (index % 9)}.${index % 30}.0.jar`;
    const random = randomOf(`${seed}/${path}`);
    const weight = Math.exp(normal(random) * 1.1) * (webapp ? 12 : 1);
    return { path, kind: 'library', contentKey: `${seed}/${path}`, weight, ...metadata(random, 0o644) };
  });
}

function textFiles({ tenants }: TreeSize, seed: string, count: number): Unsized[] {
  const product = Math.ceil(count / PRODUCT_SHARE);
  return Array.from({ length: count }, (_, index) => {
    if (index < product) {
      return text(`repository/conf/part${index % 40}/configuration-${index}.xml`, seed);
    }
    const ofTenant = index - product;
    const tenant = 1 + (ofTenant % tenants);
    const nth = Math.floor(ofTenant / tenants);
    const { path, shared } = TENANT_FILES[nth % TENANT_FILES.length]!;
    const name = path.replace('%', String(Math.floor(nth / TENANT_FILES.length)));
    return text(
      `repository/tenants/${tenant}/${name}`,
      seed,
      shared && pick(randomOf(`${tenant}/${name}`), 10) < 8 ? name : undefined,
    );
  });
}

function text(path: string, seed: string, contentOf = path): Unsized {
  // The size belongs to the content, the rest to the path.
  const weight = Math.exp(normal(randomOf(`${seed}/${contentOf}/size`)) * 0.9);
  const random = randomOf(`${seed}/${path}`);
  return {
    path,
    kind: 'text',
    contentKey: `${seed}/${contentOf}`,
    weight,
    ...metadata(random, pick(random, 10) === 0 ? 0o640 : 0o644),
  };
}

const metadata = (random: Random, mode: number) => ({
  mode,
  mtimeSeconds: NEWEST_MTIME_SECONDS - pick(random, 300 * 86_400),
});

function sized(files: readonly Unsized[], total: number, least: number): TreeFile[] {
  const sum = files.reduce((all, { weight }) => all + weight, 0);
  return files.map(({ weight, ...file }) => ({
    ...file,
    bytes: Math.round(least + (weight / sum) * (total - least * files.length)),
  }));
}
