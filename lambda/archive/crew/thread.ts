/** Entry point of a worker thread: runs one job at a time, and sleeps while the main thread answers a question. */
import { parentPort, receiveMessageOnPort, workerData, type Transferable } from 'node:worker_threads';
import { asAnswer, packError, unpackError } from '../errors';
import type { FromThread, Reply, ThreadData, ToThread } from './crew';
import type { Question, Session } from './effect';
import { createSession } from './sessions';

const { port, signal } = workerData as ThreadData;
/** Made by the first message. */
let session: Session;

const send = (message: FromThread, transfer: readonly ArrayBuffer[] = []) =>
  port.postMessage(message, transfer as readonly Transferable[]);

function ask({ ask, with: argument }: Question): Reply {
  const seen = Atomics.load(signal, 0);
  send({ kind: 'question', ask, with: argument });
  for (;;) {
    Atomics.wait(signal, 0, seen);
    const received = receiveMessageOnPort(port) as { readonly message: Reply } | undefined;
    if (received) return received.message;
  }
}

parentPort!.on('message', (message: ToThread) => {
  if ('session' in message) session = createSession(message.session);
  else run(message.task);
});

function run(task: unknown): void {
  try {
    const job = session.run(task);
    let step = job.next();
    while (!step.done) {
      const reply = ask(step.value);
      step = 'error' in reply ? job.throw(asAnswer(unpackError(reply.error))) : job.next(reply.value);
    }
    send({ kind: 'done', value: step.value }, session.transferOf?.(step.value));
  } catch (error) {
    send({ kind: 'failed', error: packError(error) });
  }
}
