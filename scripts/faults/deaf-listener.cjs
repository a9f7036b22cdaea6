// Listens, and is then stopped by the harness (SIGSTOP): its queue of connections is soon full, and whoever connects waits in
// vain. A listener that runs cannot do that, as the kernel answers for it.
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send(server.address().port));
