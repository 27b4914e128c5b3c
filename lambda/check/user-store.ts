import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** A secondary user store as a file describes it. */
export interface UserStore {
  /** Java class of the user store manager. */
  readonly className: string;
  readonly properties: readonly UserStoreProperty[];
}

export interface UserStoreProperty {
  readonly name: string;
  readonly value: string;
  /** The value is a ciphertext. */
  readonly encrypted: boolean;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => name === 'Property',
});

/** @throws with what is wrong and in which line, never with the file's words: passwords are in it. */
export function parseUserStore(xml: string): UserStore {
  const validity = XMLValidator.validate(xml);
  if (validity !== true) throw new Error(`is no XML (line ${validity.err.line}): it is cut short or damaged`);
  const root = (parser.parse(xml) as Record<string, unknown>)['UserStoreManager'] as Element | undefined;
  if (typeof root !== 'object') throw new Error('has no <UserStoreManager>');
  const className = String(root['@class'] ?? '').trim();
  if (className === '') throw new Error('names no class');
  const properties = (Array.isArray(root['Property']) ? root['Property'] : []) as (Element | string)[];
  return {
    className,
    properties: properties.flatMap((property) => {
      // A property without attributes is a bare text.
      if (typeof property === 'string') return [];
      return [
        {
          name: String(property['@name'] ?? ''),
          value: String(property['#text'] ?? '').trim(),
          encrypted: String(property['@encrypted'] ?? '').toLowerCase() === 'true',
        },
      ];
    }),
  };
}

type Element = Record<string, unknown>;

export const propertyOf = ({ properties }: UserStore, name: string): string | undefined =>
  properties.find((property) => property.name.toLowerCase() === name.toLowerCase())?.value || undefined;
