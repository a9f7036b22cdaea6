// Listens, and is then stopped by the harness (SIGSTOP): its queue of connections is soon full, and every client that connects
// waits in vain. A listener that runs cannot do that, as the kernel answers for it.
import { createServer, type AddressInfo } from 'node:net';

const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.send!((server.address() as AddressInfo).port);
});
