import { DeploymentTomlError } from './errors';
import { Positions, type Path } from './positions';
import { referencesIn, RESOLUTION_KEY, type Resolution, resolveReferences } from './references';
import { placeholderIn } from './template';
import { parseToml, type Table, templateError } from './toml';

/** Longest value and deepest chain that `$ref{}` may make: no real one comes near, and a hostile one grows without end. */
const MAX_LENGTH = 65_536;
const MAX_DEPTH = 100;

/** A text somewhere in the file. */
export interface Leaf {
  readonly path: Path;
  readonly text: string;
}

/** A parsed `deployment.toml`: values with their references resolved as far as they can be, and where they stand. */
export class TomlDocument {
  /** Every text of the file, as it is written. */
  public readonly leaves: readonly Leaf[];
  private readonly root: Table;
  private readonly positions: Positions;
  private readonly resolved = new Map<string, string>();

  public constructor(
    text: string,
    private readonly fileName: string,
    private readonly resolution: Resolution,
  ) {
    this.root = parseToml(text, fileName);
    this.positions = new Positions(text);
    this.leaves = leavesOf(this.root);
    this.requireResolutionOfSomething();
  }

  public table(path: Path): Table | undefined {
    const value = this.at(path);
    return isTable(value) ? value : undefined;
  }

  /** Elements of an array of tables; none where there is no array. */
  public elements(path: Path): Path[] {
    const value = this.at(path);
    return Array.isArray(value) ? value.map((_, index) => [...path, String(index)]) : [];
  }

  /** A value as text, references resolved; undefined where it is not set, or is a table or a list. */
  public text(path: Path): string | undefined {
    return this.textAt(path, []);
  }

  /** A part of a connection, which no placeholder of a template may be. */
  public connection(path: Path, isAddress = false): string | undefined {
    const value = this.text(path)?.trim();
    // An empty one says nothing, as the product's own templates take it.
    if (value === undefined || value === '') return undefined;
    const placeholder = placeholderIn(value, isAddress);
    if (placeholder) throw templateError(this.whereIsValue(path), placeholder);
    return value;
  }

  /** Line of the first place that defines the path or something below it, from 1. */
  public line(path: Path): number | undefined {
    return this.positions.of(path)?.line;
  }

  /** `FILE:LINE:COLUMN` of a value. */
  public whereIsValue(path: Path): string {
    return this.where(this.positions.ofValue(path));
  }

  public whereIs(path: Path): string {
    return this.where(this.positions.of(path));
  }

  private where(position: ReturnType<Positions['of']>): string {
    return position ? `${this.fileName}:${position.line}:${position.column}` : this.fileName;
  }

  private at(path: Path): unknown {
    return path.reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Table)[key] : undefined,
      this.root,
    );
  }

  private textAt(path: Path, through: readonly string[]): string | undefined {
    const value = this.at(path);
    if (value === undefined || value === null || typeof value === 'object') return undefined;
    const cacheKey = path.join('\0');
    const known = this.resolved.get(cacheKey);
    if (known !== undefined) return known;
    const text = String(value).replace(
      /\$ref\{([^{}]*)\}/g,
      (reference, target: string) =>
        // What the file does not set may be one of the product's defaults: kept as it is.
        this.referred(target.trim(), path, through) ?? reference,
    );
    if (text.length > MAX_LENGTH) {
      throw new DeploymentTomlError(
        `${this.whereIsValue(path)}: \`${path.join('.')}\` must be at most ${MAX_LENGTH} characters when its references are ` +
          `resolved, got ${text.length}: write it out`,
      );
    }
    const result = resolveReferences(text, this.resolution);
    this.resolved.set(cacheKey, result);
    return result;
  }

  private referred(target: string, from: Path, through: readonly string[]): string | undefined {
    const chain = [...through, target];
    const problem = through.includes(target)
      ? `refers to itself through ${chain.join(' -> ')}`
      : through.length >= MAX_DEPTH
        ? `refers through more than ${MAX_DEPTH} others`
        : undefined;
    if (problem !== undefined) {
      throw new DeploymentTomlError(
        `${this.whereIsValue(from)}: \`${from.join('.')}\` ${problem}: write one of them out`,
      );
    }
    return this.textAt(target.split('.'), chain);
  }

  /** A name with a typing error would resolve nothing and leave a database unmatched. */
  private requireResolutionOfSomething(): void {
    const there = new Set(this.leaves.flatMap(({ text }) => referencesIn(text)));
    for (const key of Object.keys(this.resolution)) {
      if (!RESOLUTION_KEY.test(key)) {
        throw new DeploymentTomlError(
          `\`resolve\` must name references as env:NAME, secret:ALIAS or sys:PROPERTY, got '${key}': ` +
            'for $env{DB_HOST} write env:DB_HOST',
        );
      }
      if (!there.has(key)) {
        throw new DeploymentTomlError(
          `\`resolve\` must name references of ${this.fileName}, got '${key}': ` +
            (there.size === 0 ? 'it has none' : `it has ${[...there].join(', ')}`),
        );
      }
    }
  }
}

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Without recursion, so that no depth of keys is too deep. */
function leavesOf(root: Table): Leaf[] {
  const leaves: Leaf[] = [];
  const open: { value: unknown; path: Link | undefined }[] = [{ value: root, path: undefined }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path } = next;
    if (typeof value === 'string') leaves.push({ text: value, path: keysOf(path) });
    else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      for (const [key, child] of Object.entries(value).toReversed()) {
        if (typeof child === 'string' || typeof child === 'object') {
          open.push({ value: child, path: { key, parent: path } });
        }
      }
    }
  }
  return leaves;
}

interface Link {
  readonly key: string;
  readonly parent: Link | undefined;
}

function keysOf(path: Link | undefined): string[] {
  const keys: string[] = [];
  for (let link = path; link; link = link.parent) keys.push(link.key);
  return keys.reverse();
}
