/** Event contract of the check function where it asks a booted copy of Identity Server whether it works. */
export interface BootEvent {
  readonly action: 'boot';
  /** Private address of the task. */
  readonly address: string;
  readonly port: number;
  /** `/api/health-check/v1.0/health` */
  readonly healthPath: string;
  /** From now until it must be healthy. */
  readonly timeoutSeconds: number;
  /** JSON with `clientId` and `clientSecret` of a test client; absent: no token is asked for. */
  readonly tokenSecretArn?: string;
}

export const isBootEvent = (event: object): event is BootEvent => 'action' in event && event.action === 'boot';
