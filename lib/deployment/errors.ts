/** What is wrong with the file: the message says where and what to change. */
export class DeploymentTomlError extends Error {
  public override readonly name = 'DeploymentTomlError';
}
