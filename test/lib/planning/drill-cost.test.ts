import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drillCost, instanceUsdPerHour } from '../../../lib/planning/drill-cost';

describe('the price of an instance', () => {
  for (const [instanceClass, usd] of [
    ['db.t4g.micro', 0.018125],
    ['db.t3.medium', 0.0725],
    ['db.m6g.large', 0.178],
    ['db.r6g.xlarge', 0.5],
    ['db.r7g.2xlarge', 1],
    ['db.r6id.32xlarge', 16],
    ['db.z1d.large', undefined],
    ['db.serverless', undefined],
    ['db.m5.nano', undefined],
    ['large', undefined],
  ] as const) {
    it(`${instanceClass}: ${usd ?? 'unknown'}`, () => assert.equal(instanceUsdPerHour(instanceClass), usd));
  }
});

describe('the cost of a drill', () => {
  it('is the sum of what it used, for as long as it used it', () => {
    const { usd, terms, basis } = drillCost({
      databases: [
        { component: 'a', instanceClass: 'db.r6g.xlarge', storageGib: 720, seconds: 7200 },
        { component: 'b', seconds: 3600 },
      ],
      volumes: [{ component: 'v', files: 10_000, bytes: 10 * 1024 ** 3, seconds: 7200 }],
      functionSeconds: 1000,
    });
    assert.deepEqual(terms, [
      { component: 'a', what: 'db.r6g.xlarge for 2.00 h', usd: 1 },
      // 0.115 USD a GiB-month of 720 h.
      { component: 'a', what: '720 GiB of storage for 2.00 h', usd: 0.23 },
      { component: 'b', what: 'instance of an unknown class for 1.00 h, counted as a large one', usd: 0.25 },
      // 10 GiB written and read at 0.09, two hours of 0.30 a GiB-month, 10,000 requests.
      { component: 'v', what: '10000 files, 10.00 GiB on EFS', usd: 0.912 },
      { component: 'functions', what: '1000 s', usd: 0.023 },
    ]);
    assert.equal(usd, 2.415);
    assert.match(basis, /^estimate at list prices/);
  });

  it('has the copy that it booted', () => {
    const boot = { vcpus: 2, memoryGib: 4, seconds: 1800 };
    const { terms } = drillCost({ databases: [], volumes: [], boot, functionSeconds: 0 });
    // Half an hour of 2 vCPUs at 0.04048 and 4 GiB at 0.004445.
    assert.deepEqual(terms[0], {
      component: 'booted copy',
      what: '2 vCPUs and 4 GiB on Fargate for 0.50 h',
      usd: 0.049,
    });
  });

  it('of nothing is nothing', () => assert.equal(drillCost({ databases: [], volumes: [], functionSeconds: 0 }).usd, 0));
});
