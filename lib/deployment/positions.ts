/** Where keys, tables and values stand in a TOML text. smol-toml says it for its errors only, not for values. */

/** Path of a table, key or value; elements of an array are counted: `['datasource', '1', 'url']`. */
export type Path = readonly string[];

/** Both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Place {
  /** Offset of the header or key that first defines it. */
  readonly at: number;
  /** Offset of its value. Absent: a table with a header. */
  valueAt?: number;
  /** How many `[[headers]]` it had. */
  elements: number;
  readonly children: Map<string, Place>;
}

export class Positions {
  private readonly root: Place = place(0);
  private readonly lineStarts: number[] = [0];

  /** @param text a text that smol-toml has parsed: nothing is checked here */
  public constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
    new Scanner(text).scan(this.root);
  }

  /** The first place that defines the path or something below it. */
  public of(path: Path): Position | undefined {
    const found = this.find(path);
    return found && this.position(found.at);
  }

  /** Where the value of a key begins. */
  public ofValue(path: Path): Position | undefined {
    const found = this.find(path);
    return found && this.position(found.valueAt ?? found.at);
  }

  private find(path: Path): Place | undefined {
    return path.reduce<Place | undefined>((found, key) => found?.children.get(key), this.root);
  }

  private position(offset: number): Position {
    let [low, high] = [0, this.lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.lineStarts[middle] <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - this.lineStarts[low] + 1 };
  }
}

const place = (at: number): Place => ({ at, elements: 0, children: new Map() });

function childOf(parent: Place, key: string, at: number): Place {
  const known = parent.children.get(key);
  if (known) return known;
  const child = place(at);
  parent.children.set(key, child);
  return child;
}

/** Walks through the text once. Every loop moves on, whatever the text is. */
class Scanner {
  private at = 0;

  public constructor(private readonly text: string) {}

  public scan(root: Place): void {
    let table = root;
    for (this.skipBlank(); this.at < this.text.length; this.skipBlank()) {
      if (this.text[this.at] === '[') table = this.header(root);
      else this.assignment(table);
    }
  }

  private header(root: Place): Place {
    const start = this.at;
    const isArray = this.text.startsWith('[[', start);
    this.at += isArray ? 2 : 1;
    const keys = this.keys();
    this.at += isArray ? 2 : 1;
    let table = root;
    for (const [index, key] of keys.entries()) {
      table = childOf(table, key, start);
      if (isArray && index === keys.length - 1) table.elements++;
      // A header below an array of tables belongs to the array's last element.
      if (table.elements > 0) table = childOf(table, String(table.elements - 1), start);
    }
    return table;
  }

  private assignment(table: Place): void {
    const start = this.at;
    let target = table;
    for (const key of this.keys()) target = childOf(target, key, start);
    this.at++; // =
    this.skipSpaces();
    this.value(target);
  }

  private keys(): string[] {
    const keys: string[] = [];
    do {
      if (keys.length > 0) this.at++; // .
      this.skipSpaces();
      keys.push(this.key());
      this.skipSpaces();
    } while (this.text[this.at] === '.');
    return keys;
  }

  private key(): string {
    const start = this.at;
    const quote = this.text[start];
    if (quote === '"' || quote === "'") {
      this.string();
      const raw = this.text.slice(start + 1, this.at - 1);
      return quote === '"' ? unescaped(raw) : raw;
    }
    return this.take(/[A-Za-z0-9_-]*/y);
  }

  private value(target: Place): void {
    const start = this.at;
    target.valueAt ??= start;
    const first = this.text[start];
    if (first === '"' || first === "'") this.string();
    else if (first === '[') this.array(target);
    else if (first === '{') this.inlineTable(target);
    else this.take(/[^,\]}\r\n#]*/y);
    if (this.at === start) this.at++;
  }

  private array(target: Place): void {
    this.at++;
    for (let index = 0; this.more(']'); index++) this.value(childOf(target, String(index), this.at));
  }

  private inlineTable(target: Place): void {
    this.at++;
    while (this.more('}')) this.assignment(target);
  }

  /** Goes to the next item between commas; past the closing bracket where there is none. */
  private more(close: string): boolean {
    for (this.skipBlank(); this.text[this.at] === ','; this.skipBlank()) this.at++;
    if (this.at >= this.text.length) return false;
    if (this.text[this.at] !== close) return true;
    this.at++;
    return false;
  }

  private string(): void {
    const quote = this.text[this.at];
    const end = this.text.startsWith(quote.repeat(3), this.at) ? quote.repeat(3) : quote;
    this.at += end.length;
    while (this.at < this.text.length) {
      if (this.text.startsWith(end, this.at)) {
        this.at += end.length;
        // Up to two quotes may stand before the three that end a multi-line string.
        while (end.length === 3 && this.text[this.at] === quote) this.at++;
        return;
      }
      this.at += quote === '"' && this.text[this.at] === '\\' ? 2 : 1;
    }
  }

  private skipBlank(): void {
    for (;;) {
      this.take(/\s*/y);
      if (this.text[this.at] !== '#') return;
      this.take(/[^\n]*/y);
    }
  }

  private skipSpaces(): void {
    this.take(/[ \t]*/y);
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const [taken] = pattern.exec(this.text) ?? [''];
    this.at += taken.length;
    return taken;
  }
}

/** A quoted key; TOML's escapes are JSON's, but for rarities that no key here has. */
function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}
