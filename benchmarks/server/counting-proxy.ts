/** Stands between a contender and the server, and counts. Never in the way of what is timed. */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';

export interface Counts {
  /** By method. */
  readonly requests: Readonly<Record<string, number>>;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface CountingProxy {
  readonly endpoint: string;
  counts(): Counts;
  stop(): Promise<void>;
}

export async function startCountingProxy(upstream: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(upstream);
  const agent = new Agent({ keepAlive: true });
  const requests: Record<string, number> = {};
  let bytesSent = 0;
  let bytesReceived = 0;
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method!;
    requests[method] = (requests[method] ?? 0) + 1;
    // The headers as they are, the host too: it is part of the signature.
    const onward = request(
      { hostname, port, agent, method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.on('data', (chunk: Buffer) => (bytesReceived += chunk.length)).pipe(outgoing);
      },
    );
    onward.on('continue', () => outgoing.writeContinue());
    onward.on('error', () => outgoing.destroy());
    incoming.on('data', (chunk: Buffer) => (bytesSent += chunk.length)).pipe(onward);
  });
  // The server decides whether it wants the body, not we.
  server.on('checkContinue', (incoming, outgoing) => server.emit('request', incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    counts: () => ({ requests: { ...requests }, bytesSent, bytesReceived }),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
}
