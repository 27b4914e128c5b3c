/** What is in the files: from their key alone. Pure. */
import { createCipheriv, createHash } from 'node:crypto';
import { pick, randomOf, type Random } from './random';
import type { TreeFile } from './layout';

export const contentOf = ({ kind, contentKey, bytes }: Pick<TreeFile, 'kind' | 'contentKey' | 'bytes'>): Buffer =>
  kind === 'text' ? textContent(contentKey, bytes) : libraryContent(contentKey, bytes);

const BLOCK = 64 * 1024;
/** Of each block; the rest is noise. zstd leaves about 95 % of such a file, as of a real jar: its classes are deflated. */
const READABLE = 4 * 1024;

/** Names of classes as in a jar's directory, between bytes that do not compress. */
function libraryContent(key: string, bytes: number): Buffer {
  const digest = createHash('sha256').update(key).digest();
  // A key stream is the fastest noise that is the same everywhere.
  const content = createCipheriv('aes-128-ctr', digest.subarray(0, 16), digest.subarray(16)).update(
    Buffer.alloc(bytes),
  );
  const random = randomOf(key);
  for (let at = 0; at < bytes; at += BLOCK) {
    const names: string[] = [];
    for (let length = 0; length < READABLE; length += names.at(-1)!.length) {
      names.push(`org/wso2/carbon/${word(random)}/${word(random)}/${word(random)}Impl.class\0\0PK`);
    }
    content.write(names.join('').slice(0, Math.min(READABLE, bytes - at)), at, 'latin1');
  }
  return content;
}

/** A configuration file; zstd makes it about a fifth. */
function textContent(key: string, bytes: number): Buffer {
  const random = randomOf(key);
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>\n<Configuration xmlns="http://wso2.org/projects/carbon">\n'];
  for (let length = lines[0]!.length; length < bytes; length += lines.at(-1)!.length) lines.push(line(random));
  return Buffer.from(lines.join('').slice(0, bytes), 'latin1');
}

function line(random: Random): string {
  switch (pick(random, 6)) {
    case 0:
      return `  <Property name="${word(random)}.${word(random)}" encrypted="false">${word(random)}${pick(random, 1000)}</Property>\n`;
    case 1:
      return `  <ClaimMapping><LocalClaim>http://wso2.org/claims/${word(random)}</LocalClaim><RemoteClaim>${word(random)}</RemoteClaim></ClaimMapping>\n`;
    case 2:
      return `  <Authenticator name="${word(random)}Authenticator" enabled="${random() < 0.5}" id="${hex(random)}-${hex(random)}"/>\n`;
    case 3:
      return `  <!-- The ${word(random)} of the ${word(random)} is set by the ${word(random)} of the tenant. -->\n`;
    case 4:
      return `  <InboundConfig type="oauth2" key="${hex(random)}${hex(random)}${hex(random)}" callback="https://${word(random)}.example.com/callback"/>\n`;
    default:
      return `    <Parameter name="${word(random)}">${word(random)} ${word(random)}</Parameter>\n`;
  }
}

const WORDS =
  'account adaptor admin agent application approval assertion attribute audience authentication authorization bundle cache callback carbon certificate claim client cluster connector consent consumer context credential datasource default dialect directory domain email endpoint entitlement event execution factor federation governance grant group handler identity inbound issuer keystore listener logout manager mapping membership metadata notification outbound password permission policy primary profile provider provisioning publisher realm recovery registry request resource response role scope secret sequence server service session signature store stream subject template tenant token transport trusted user validator workflow'.split(
    ' ',
  );

const word = (random: Random): string => WORDS[pick(random, WORDS.length)]!;
const hex = (random: Random): string =>
  pick(random, 2 ** 32)
    .toString(16)
    .padStart(8, '0');
