import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { PLAN_DOCUMENT_FORMAT_VERSION, type RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { planDocumentKey } from '../../lib/private/bucket-layout';
import { DrillError } from './steps';

/** @throws DrillError where there is none, or none that this release can read. */
export async function readPlan(deployment: string, bucket: string, s3: S3Client): Promise<RecoveryPlanDocument> {
  const key = planDocumentKey(deployment);
  const text = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })).then(
    ({ Body }) => Body?.transformToString() ?? '',
    (error: unknown) => {
      if (!(error instanceof Error) || error.name !== 'NoSuchKey') throw error;
      throw new DrillError(
        `there is no recovery plan s3://${bucket}/${key}: deploy ${deployment} in its primary Region, and see that its ` +
          'artifact bucket replicates to this one',
      );
    },
  );
  return parsePlan(text, `s3://${bucket}/${key}`);
}

export function parsePlan(text: string, where: string): RecoveryPlanDocument {
  let plan: Partial<RecoveryPlanDocument> | null;
  try {
    plan = JSON.parse(text) as Partial<RecoveryPlanDocument> | null;
  } catch (error) {
    throw new DrillError(`the recovery plan ${where} is no JSON (${(error as Error).message}): deploy again`);
  }
  if (plan?.formatVersion !== PLAN_DOCUMENT_FORMAT_VERSION) {
    throw new DrillError(
      `\`formatVersion\` of the recovery plan ${where} must be ${PLAN_DOCUMENT_FORMAT_VERSION}, got ` +
        `${JSON.stringify(plan?.formatVersion)}: deploy both Regions with the same release`,
    );
  }
  const { databases, volumes, objectives, restoreDependencies, plan: lines } = plan;
  if (
    !Array.isArray(databases) ||
    !Array.isArray(volumes) ||
    !Array.isArray(lines) ||
    !Array.isArray(restoreDependencies?.keystores) ||
    !(Number(objectives?.drSite?.rpoSeconds) > 0) ||
    !(Number(objectives?.drSite?.rtoSeconds) > 0)
  ) {
    throw new DrillError(`the recovery plan ${where} is not whole: deploy again`);
  }
  if (databases.length + volumes.length === 0) {
    throw new DrillError(
      `the recovery plan ${where} names nothing to restore: deploy again with databases and volumes`,
    );
  }
  return plan as RecoveryPlanDocument;
}
