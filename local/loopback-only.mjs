// Loaded into every Node process of the local AWS (NODE_OPTIONS): a connection to anything but this machine fails. The
// SDK for JavaScript makes its own agents and looks at no proxy variable, so this is what stops a client that was made
// without the endpoint.
import net from 'node:net';
import { setImmediate } from 'node:timers';

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const host = hostOf(Array.isArray(args[0]) ? args[0] : args);
  if ((host ?? 'localhost') === 'localhost' || /^(127\.\d+\.\d+\.\d+|::1)$/.test(host))
    return connect.apply(this, args);
  const error = new Error(`connect ECONNREFUSED ${host}: the local AWS lets nothing leave this machine`);
  // Later, as a connection would fail: whoever asked listens only when we have returned.
  setImmediate(() => this.destroy(Object.assign(error, { code: 'ECONNREFUSED', syscall: 'connect' })));
  return this;
};

/** Undefined for a path (a Unix socket), and where nothing is said, which means this machine. */
function hostOf([first, second]) {
  if (typeof first === 'object' && first !== null) return typeof first.path === 'string' ? undefined : first.host;
  return typeof second === 'string' ? second : undefined;
}
