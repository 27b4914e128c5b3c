import assert from 'node:assert/strict';
import type { ApiCall } from '../../local/local-aws';
import { DEPLOYMENT, REGIONS } from '../../local/demo/configuration';

/** The calls of one drill or recovery, the driver's of the test left out: what is changed says whose it is. */
export function assertOnlyItsOwn(calls: readonly ApiCall[], drillId: string): void {
  const changing = calls.filter(
    ({ method, service, action = '', path }) =>
      !['GET', 'HEAD'].includes(method) &&
      !/^(Describe|List|Get|Verify)/.test(action) &&
      // Checkpoints, and invocations of the functions of the site.
      !(service === 'lambda' && /durable-execution|\/invocations$/.test(path)) &&
      !/\/operation\/PutMetricData$/.test(path),
  );
  // The functions of the primary Region go on by their schedules: what they write are new objects.
  const scheduled = ({ region, service, method, action }: ApiCall) =>
    region === REGIONS.primary && ((service === 's3' && method === 'PUT') || action === 'GenerateMac');
  const own = (call: ApiCall) =>
    [call.path, ...call.about].some(
      (text) => text.includes(drillId) || text.endsWith(`locks/${DEPLOYMENT}/drill.json`),
    ) || ['PutEvents', 'Publish', 'PutMetricData'].includes(call.action ?? '');
  assert.ok(changing.length >= 5, JSON.stringify(changing));
  assert.deepEqual(
    changing.filter((call) => !own(call) && !scheduled(call)),
    [],
  );
}
