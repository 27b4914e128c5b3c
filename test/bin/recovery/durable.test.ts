import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '@aws-sdk/client-lambda';
import { endedStepOf } from '../../../bin/recovery/durable';

const succeeded = (Name: string, value: unknown): Event => ({
  EventType: 'StepSucceeded',
  Name,
  StepSucceededDetails: { Result: { Payload: JSON.stringify(value) } } as never,
});

for (const [what, event, step] of [
  ['a step that succeeded', succeeded('read recovery plan', { ok: true, value: 1 }), { name: 'read recovery plan' }],
  [
    'one that keeps its failure as a value',
    succeeded('tag', { ok: false, message: 'denied' }),
    { name: 'tag', failure: 'denied' },
  ],
  [
    'a wait that ended badly',
    succeeded('restore', { outcome: { ok: false, message: 'job FAILED' } }),
    { name: 'restore', failure: 'job FAILED' },
  ],
  ['a wait that ended well', succeeded('restore', { outcome: { ok: true, value: 'arn' } }), { name: 'restore' }],
  ['a value that is no outcome', succeeded('begin drill', null), { name: 'begin drill' }],
  [
    'a step that failed',
    {
      EventType: 'StepFailed',
      Name: 'x',
      StepFailedDetails: { Error: { Payload: { ErrorMessage: 'boom' } } },
    } as Event,
    { name: 'x', failure: 'boom' },
  ],
  [
    'a called function that answered',
    { EventType: 'ChainedInvokeSucceeded', Name: 'checks' } as Event,
    { name: 'checks' },
  ],
  ['the clock', succeeded('begin', '2026'), undefined],
  ['the clock of a wait', succeeded('restore: begin', '2026'), undefined],
  ['what has only begun', { EventType: 'StepStarted', Name: 'x' } as Event, undefined],
  ['an event without a name', { EventType: 'StepSucceeded' } as Event, undefined],
] as const) {
  test(`history: ${what}`, () => assert.deepEqual(endedStepOf(event), step));
}
