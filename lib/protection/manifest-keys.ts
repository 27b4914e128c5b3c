import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct, IDependable } from 'constructs';
import { invalid } from '../private/errors';
import { keyArnIn, type ManifestAuthentication, regionOfKey } from './manifest-authentication';

/** The keys of manifests in one Region: the first signs, all are trusted. */
export interface ManifestKeys {
  readonly arns: readonly string[];
  readonly acceptUnsigned: boolean;
  /** What must be there before the keys are used. */
  readonly ready?: IDependable;
}

/** A KMS key spec and the MAC algorithm that belongs to it. */
const ALGORITHM = 'HMAC_SHA_256';

/** The keys at the DR site, with the site's own where it has none of yours. */
export function siteManifestKeys(
  scope: Construct,
  authentication: ManifestAuthentication,
  options: { readonly region: string; readonly alias: string; readonly removalPolicy: RemovalPolicy },
): ManifestKeys | undefined {
  const { _isSigned: isSigned, _keyArns: arns, _acceptUnsigned: acceptUnsigned } = authentication;
  if (!isSigned) return undefined;
  const elsewhere = arns.find((arn) => regionOfKey(arn) !== options.region);
  if (elsewhere !== undefined) {
    throw invalid(
      scope,
      `\`manifestAuthentication\` must name the key in the DR Region, ${options.region}, got ${elsewhere}: give the ARN of its replica there`,
    );
  }
  if (arns.length > 0) return { arns, acceptUnsigned };
  const key = new kms.Key(scope, 'ManifestKey', {
    description:
      'Signs the manifests of artifact exports of WSO2 Identity Server recovery; verifies them at the DR site',
    keySpec: kms.KeySpec.HMAC_256,
    keyUsage: kms.KeyUsage.GENERATE_VERIFY_MAC,
    multiRegion: true,
    alias: options.alias,
    removalPolicy: options.removalPolicy,
  });
  // Points are made in primary Regions alone. A policy is of one Region's key, so that this one binds no export.
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'NobodySignsHere',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ['kms:GenerateMac'],
      resources: ['*'],
    }),
  );
  return { arns: [key.keyArn], acceptUnsigned };
}

/**
 * The keys in a primary Region: replicas of those at the site. That of the site's own key is made by a custom resource: its id
 * is KMS's choice, and several deployments of a Region, which know nothing of each other, share one.
 */
export function primaryManifestKeys(
  scope: Construct,
  authentication: ManifestAuthentication,
  options: { readonly siteRegion: string; readonly alias: string; readonly removalPolicy: RemovalPolicy },
): ManifestKeys | undefined {
  const { _isSigned: isSigned, _keyArns: arns, _acceptUnsigned: acceptUnsigned } = authentication;
  if (!isSigned) return undefined;
  const stack = Stack.of(scope);
  if (arns.length > 0) return { arns: arns.map((arn) => keyArnIn(stack.region, arn)), acceptUnsigned };
  const { siteRegion, alias, removalPolicy } = options;
  const keyArn = (region: string, resourceName: string) =>
    stack.formatArn({ service: 'kms', region, resource: 'key', resourceName });
  const found = new AwsCustomResource(scope, 'ManifestKey', {
    resourceType: 'Custom::ManifestKey',
    installLatestAwsSdk: false,
    onUpdate: {
      service: 'KMS',
      action: 'describeKey',
      region: siteRegion,
      parameters: {
        KeyId: stack.formatArn({
          service: 'kms',
          region: siteRegion,
          resource: 'alias',
          resourceName: alias.replace('alias/', ''),
        }),
      },
      physicalResourceId: PhysicalResourceId.fromResponse('KeyMetadata.KeyId'),
      outputPaths: ['KeyMetadata.KeyId'],
    },
    policy: AwsCustomResourcePolicy.fromStatements([
      new iam.PolicyStatement({
        actions: ['kms:DescribeKey'],
        resources: [keyArn(siteRegion, '*')],
        conditions: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } },
      }),
    ]),
  });
  const id = found.getResponseField('KeyMetadata.KeyId');
  const ready = new AwsCustomResource(scope, 'ManifestKeyReplica', {
    resourceType: 'Custom::ManifestKeyReplica',
    installLatestAwsSdk: false,
    onUpdate: {
      service: 'KMS',
      action: 'replicateKey',
      region: siteRegion,
      parameters: {
        KeyId: id,
        ReplicaRegion: stack.region,
        Description: 'Signs the manifests of artifact exports of WSO2 Identity Server recovery',
      },
      physicalResourceId: PhysicalResourceId.of(`${alias}-${stack.region}`),
      outputPaths: ['ReplicaKeyMetadata.Arn'],
      // By another deployment of this Region, or by an update of this one.
      ignoreErrorCodesMatching: 'AlreadyExistsException',
    },
    // Anything but RETAIN is for trying out: other deployments of the Region lose it too.
    ...(removalPolicy === RemovalPolicy.DESTROY && {
      onDelete: {
        service: 'KMS',
        action: 'scheduleKeyDeletion',
        parameters: { KeyId: id, PendingWindowInDays: 7 },
        ignoreErrorCodesMatching: 'KMSInvalidStateException|NotFoundException',
      },
    }),
    policy: AwsCustomResourcePolicy.fromStatements([
      new iam.PolicyStatement({
        actions: ['kms:ReplicateKey'],
        resources: [keyArn(siteRegion, id)],
        conditions: { StringEquals: { 'kms:ReplicaRegion': stack.region } },
      }),
      // KMS asks for it in the replica's Region, for a key that does not exist yet: there is no resource to name.
      new iam.PolicyStatement({ actions: ['kms:CreateKey'], resources: ['*'] }),
      ...(removalPolicy === RemovalPolicy.DESTROY
        ? [new iam.PolicyStatement({ actions: ['kms:ScheduleKeyDeletion'], resources: [keyArn(stack.region, id)] })]
        : []),
    ]),
  });
  return { arns: [keyArn(stack.region, id)], acceptUnsigned, ready };
}

/** As `lambda/shared/kms-authenticator.ts` reads it. */
const environmentOf = ({ arns, acceptUnsigned }: ManifestKeys): Record<string, string> => ({
  MAC_KEYS: arns.join(','),
  ...(acceptUnsigned ? { ACCEPT_UNSIGNED: 'true' } : {}),
});

/** Lets a function compare manifests with their signatures. */
export const verifiesManifests = (fn: lambda.Function, keys: ManifestKeys | undefined) =>
  useManifestKeys(fn, keys, ['kms:VerifyMac']);

/** Lets a function sign manifests too. */
export const signsManifests = (fn: lambda.Function, keys: ManifestKeys | undefined) =>
  useManifestKeys(fn, keys, ['kms:GenerateMac', 'kms:VerifyMac']);

function useManifestKeys(fn: lambda.Function, keys: ManifestKeys | undefined, actions: string[]): void {
  if (!keys) return;
  for (const [name, value] of Object.entries(environmentOf(keys))) fn.addEnvironment(name, value);
  fn.addToRolePolicy(
    new iam.PolicyStatement({
      sid: 'Manifests',
      actions,
      resources: [...keys.arns],
      conditions: { StringEquals: { 'kms:MacAlgorithm': ALGORITHM } },
    }),
  );
  if (keys.ready) fn.node.addDependency(keys.ready);
}
