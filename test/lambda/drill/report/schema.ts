import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv/dist/2020';

const schema = (name: string): ValidateFunction =>
  new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
    JSON.parse(readFileSync(join(__dirname, '../../../../docs', name), 'utf8')) as object,
  );
const isReport = schema('drill-report.schema.json');
const isEvent = schema('drill-event.schema.json');

/** Against the published schema, as JSON: what is undefined is not there. */
export const assertReport = (report: unknown) => assertValid(isReport, report);
export const assertEvent = (detail: unknown) => assertValid(isEvent, detail);

function assertValid(validate: ValidateFunction, value: unknown): void {
  validate(JSON.parse(JSON.stringify(value)));
  assert.deepEqual(validate.errors ?? [], []);
}
