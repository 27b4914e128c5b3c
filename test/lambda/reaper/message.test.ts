import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reaperMessage } from '../../../lambda/reaper/message';

const INSTANCE = 'DB instance drill-20261124t042500-1a2b3c4d-1-db-1';
const CLUSTER = 'DB cluster drill-20261124t042500-1a2b3c4d-1-db';

it('nobody is told of a run that found nothing to remove, or what it has told before', () => {
  assert.equal(reaperMessage({ removed: [], waiting: [], failed: [] }), undefined);
  assert.equal(reaperMessage({ removed: [], waiting: [`${CLUSTER} is deleting`], failed: [] }), undefined);
});

it('says what was removed, what comes next, and what to do', () => {
  const waiting = [`${CLUSTER} is available, and has instances still`];
  assert.deepEqual(reaperMessage({ removed: [INSTANCE], waiting, failed: [] }), {
    Subject: 'Leftovers of a recovery drill were removed',
    Message: [
      'A drill ended before its clean-up was done.',
      '',
      'The reaper removed what it had made:',
      `- ${INSTANCE}`,
      '',
      'It goes on with these at its next run:',
      `- ${CLUSTER} is available, and has instances still`,
      '',
      'Whether that drill left a verdict, `npx wso2is-recovery status` says; where it left none, `npx wso2is-recovery drill` starts another.',
      '',
    ].join('\n'),
  });
});

it('says what could not be removed, beside what was', () => {
  const failed = [`${CLUSTER}: InvalidParameterCombination: Cannot delete protected Cluster`];
  const message = reaperMessage({ removed: [INSTANCE], waiting: [], failed });
  assert.equal(message?.Subject, 'Leftovers of a recovery drill could not be removed');
  assert.match(message.Message, /^The reaper removed what it had made:\n- DB instance drill-/m);
  assert.match(
    message.Message,
    /^It could not remove, and tries again every hour; until then it costs, so look at what is in the way:\n- DB cluster .*protected Cluster$/m,
  );
});
