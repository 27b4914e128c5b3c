/** Where keys and tables stand in a TOML text. smol-toml gives lines for its errors only, not for values. */

/** Path of a table or key; elements of an array of tables are counted: `['datasource', '1', 'url']`. */
type Path = readonly string[];

const PART = String.raw`(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')`;
const KEY = String.raw`${PART}(?:\s*\.\s*${PART})*`;
const HEADER = new RegExp(String.raw`^\s*(\[\[?)\s*(${KEY})\s*\]`);
const ASSIGNMENT = new RegExp(String.raw`^\s*(${KEY})\s*=`);

export class LineIndex {
  private readonly lines = new Map<string, number>();

  /** @param text a text that smol-toml has parsed: what is no TOML is not looked for here */
  public constructor(text: string) {
    const counts = new Map<string, number>();
    let table: Path = [];
    for (const { statement, line } of statements(text)) {
      const header = HEADER.exec(statement);
      if (header) {
        table = this.enter(split(header[2]), header[1] === '[[', counts);
        this.note(table, line);
        continue;
      }
      const assignment = ASSIGNMENT.exec(statement);
      if (assignment) this.note([...table, ...split(assignment[1])], line);
    }
  }

  /** Line, from 1, of the first place that defines the path or something below it. */
  public of(path: Path): number | undefined {
    return this.lines.get(keyOf(path));
  }

  private enter(keys: Path, isArray: boolean, counts: Map<string, number>): Path {
    const path: string[] = [];
    keys.forEach((key, index) => {
      path.push(key);
      const name = keyOf(path);
      if (isArray && index === keys.length - 1) counts.set(name, (counts.get(name) ?? -1) + 1);
      // A header below an array of tables belongs to the array's last element.
      const element = counts.get(name);
      if (element !== undefined) path.push(String(element));
    });
    return path;
  }

  private note(path: Path, line: number): void {
    path.forEach((_, index) => {
      const name = keyOf(path.slice(0, index + 1));
      if (!this.lines.has(name)) this.lines.set(name, line);
    });
  }
}

const keyOf = (path: Path) => JSON.stringify(path);

const split = (key: string) =>
  [...key.matchAll(new RegExp(PART, 'g'))].map(([part]) => part.replace(/^["']|["']$/g, ''));

/** First lines of statements: lines that do not begin inside a multi-line string or a multi-line array. */
function* statements(text: string): Generator<{ statement: string; line: number }> {
  let open: '"""' | "'''" | undefined;
  let depth = 0;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const fresh = open === undefined && depth === 0;
    if (fresh) yield { statement: raw, line: index + 1 };
    if (fresh && HEADER.test(raw)) continue;
    for (let at = 0; at < raw.length; at++) {
      const three = raw.slice(at, at + 3);
      if (open !== undefined) {
        if (open === '"""' && raw[at] === '\\') at++;
        else if (three === open) {
          open = undefined;
          at += 2;
        }
      } else if (three === '"""' || three === "'''") {
        open = three;
        at += 2;
      } else if (raw[at] === '"') {
        for (at++; at < raw.length && raw[at] !== '"'; at++) if (raw[at] === '\\') at++;
      } else if (raw[at] === "'") {
        at = raw.indexOf("'", at + 1);
        if (at < 0) break;
      } else if (raw[at] === '#') break;
      else if (raw[at] === '[') depth++;
      else if (raw[at] === ']') depth--;
    }
  }
}
