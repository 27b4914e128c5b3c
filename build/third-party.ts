// Whose code the package publishes inside its bundles: a bill of materials (CycloneDX) and the notices that the licences ask for.
// Refuses to write either when a licence is not one that an Apache-2.0 package may pass on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import satisfies from 'spdx-satisfies';

const root = join(__dirname, '..');

/** Licences whose code may be passed on inside a package under Apache-2.0, with their texts. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'UPL-1.0'];

/** A component of the bill of materials, as far as it is read here: https://cyclonedx.org/docs/1.6/json/#components */
export interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly author?: string;
  readonly licenses?: readonly {
    readonly expression?: string;
    readonly license?: { readonly id?: string; readonly name?: string };
  }[];
  readonly evidence?: {
    readonly licenses?: readonly {
      readonly license?: { readonly text?: { readonly content: string; readonly encoding?: string } };
    }[];
  };
}

/** Why a component may not be published, or undefined when it may. A package with several licences must be allowed under each. */
export function licenceProblem(component: Component): string | undefined {
  const declared = (component.licenses ?? []).map(
    ({ expression, license }) => expression ?? license?.id ?? license?.name ?? '',
  );
  if (declared.length === 0) return `${nameOf(component)} declares no licence`;
  const refused = declared.filter((licence) => !isAllowed(licence));
  return refused.length === 0
    ? undefined
    : `${nameOf(component)} is under ${refused.join(' and ')}, which is none of ${ALLOWED.join(', ')}`;
}

/** The notices: each text once, under the names of all that come with it. */
export function notices(components: readonly Component[]): string {
  const byText = new Map<string, string[]>();
  for (const component of components) {
    const texts = (component.evidence?.licenses ?? []).flatMap(({ license }) => license?.text ?? []);
    const text = texts
      .map(({ content, encoding }) => (encoding === 'base64' ? Buffer.from(content, 'base64').toString() : content))
      .map((each) => each.replaceAll('\r\n', '\n').trim())
      .join('\n\n');
    byText.set(text, [...(byText.get(text) ?? []), titleOf(component)]);
  }
  const sections = [...byText].map(([text, titles]) => {
    const note =
      text === ''
        ? 'No file with the licence is in these packages; it is the one that their package.json names.'
        : text;
    return `${titles.sort().join('\n')}\n\n${note}\n`;
  });
  const heading = 'The bundles of this package hold code of others, under these licences.\n';
  return [heading, ...sections.sort()].join(`\n${'-'.repeat(80)}\n\n`);
}

function isAllowed(licence: string): boolean {
  try {
    return satisfies(licence, ALLOWED);
  } catch {
    return false; // Not an SPDX expression, as "SEE LICENSE IN …".
  }
}

function nameOf({ group, name, version }: Component): string {
  return `${group ? `${group}/` : ''}${name}${version ? ` ${version}` : ''}`;
}

function titleOf(component: Component): string {
  const licences = (component.licenses ?? []).map(
    ({ expression, license }) => expression ?? license?.id ?? license?.name,
  );
  return `${nameOf(component)} (${licences.join(', ')}${component.author ? `; ${component.author}` : ''})`;
}

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), 'third-party-'));
  try {
    const file = join(folder, 'bom.json');
    const generator = join(root, 'node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js');
    const options = ['--gather-license-texts', '--output-reproducible', '--mc-type', 'library', '--output-file', file];
    const { status, stderr } = spawnSync(process.execPath, [generator, ...options, 'dist/bundles.json'], {
      cwd: root,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the bill of materials could not be made: ${stderr}`);
    const bill = JSON.parse(readFileSync(file, 'utf8')) as { readonly components: readonly Component[] };
    const problems = bill.components.flatMap((component) => licenceProblem(component) ?? []);
    if (problems.length > 0) throw new Error(`may not be published: ${problems.join('; ')}`);
    writeFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'), notices(bill.components));
    // The texts are in the notices: the bill of materials is ten times as large with them.
    const withoutTexts = bill.components.map(({ evidence: _, ...component }) => component);
    writeFileSync(
      join(root, 'dist/sbom.cdx.json'),
      JSON.stringify({ ...bill, components: withoutTexts }, undefined, 1),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (require.main === module) main();
