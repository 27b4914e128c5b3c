import type { LocalAws } from '../../local/local-aws';

/** The local AWS as another account sees it, which has that number for an access key. */
export const asAccount = (aws: LocalAws, accountId: string): LocalAws => ({
  ...aws,
  accountId,
  env: { ...aws.env, AWS_ACCESS_KEY_ID: accountId },
  clientConfig: (region) => ({
    ...aws.clientConfig(region),
    credentials: { accessKeyId: accountId, secretAccessKey: 'test' },
  }),
});
