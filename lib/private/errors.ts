import type { IConstruct } from 'constructs';

/** An error that says where in the construct tree it happened. Messages: `` `prop` must be X, got Y: what to change ``. */
export const invalid = (scope: IConstruct, message: string) => new Error(`${scope.node.path}: ${message}`);
