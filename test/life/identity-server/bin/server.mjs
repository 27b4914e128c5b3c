// Stands for Identity Server: it reads the configuration that it was started with, opens the restored keystore, is healthy once its
// database answers, and issues tokens to a client that it knows. It answers HTTP on its port as well, since that is what MiniStack
// makes of the HTTPS requests of functions to this machine.
import { existsSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const home = process.env.WSO2_SERVER_HOME;
const toml = readFileSync(join(home, 'repository/conf/deployment.toml'), 'utf8');
const table = (name) => new RegExp(`^\\[${name.replace('.', '\\.')}\\]\n([^[]*)`, 'm').exec(toml)?.[1] ?? '';
const value = (section, key) => new RegExp(`^${key} *= *"?([^"\n]*)"?`, 'm').exec(table(section))?.[1];
const secret = (alias) => /^\[(.*)\]$/.exec(new RegExp(`^${alias} *= *"(.*)"`, 'm').exec(toml)?.[1] ?? '')?.[1];

const [database, port] = [value('database.identity_db', 'hostname'), Number(value('database.identity_db', 'port'))];
const client = readFileSync(join(home, 'bin/client'), 'utf8').trim();

const reachable = () =>
  new Promise((resolve) => {
    const socket = connect(port, database, () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });

async function answer(request, response) {
  // Takes connections and never answers: a server that hangs while it starts.
  if (existsSync(join(home, 'bin/hangs'))) return;
  const send = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/api/health-check/v1.0/health') {
    return (await reachable()) ? send(200, { health: [] }) : send(503, { errors: ['database'] });
  }
  if (request.url !== '/oauth2/token') return send(404, {});
  const known = request.headers.authorization === `Basic ${Buffer.from(client).toString('base64')}`;
  return known ? send(200, { access_token: 'a-token-of-the-copy' }) : send(401, { error: 'invalid_client' });
}

const http = createHttpServer(answer);
const https = createHttpsServer(
  {
    pfx: readFileSync(join(home, 'repository/resources/security', value('keystore.primary', 'file_name'))),
    passphrase: secret('keystore_password'),
  },
  answer,
);
const TLS_HANDSHAKE = 0x16;

createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    socket.pause();
    socket.unshift(first);
    (first[0] === TLS_HANDSHAKE ? https : http).emit('connection', socket);
    process.nextTick(() => socket.resume());
  });
}).listen(9443 + Number(value('server', 'offset') ?? 0), '127.0.0.1');
