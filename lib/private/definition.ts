import { CfnElement, Reference, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * The resource of this app that a construct stands for: its own, or the one that its identifier refers to, as where an
 * `AWS::RDS::DBInstance` of an included template is imported by its `ref`. Undefined: it is not of this app.
 */
export function definitionOf(construct: IConstruct, identifier: string): CfnElement | undefined {
  const { defaultChild } = construct.node;
  if (defaultChild instanceof CfnElement) return defaultChild;
  const token = Tokenization.reverseCompleteString(identifier);
  return Reference.isReference(token) && token.target instanceof CfnElement ? token.target : undefined;
}
