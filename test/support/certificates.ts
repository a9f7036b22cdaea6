import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { temporaryFolder } from './program';

/** Key and certificate of a mail server at `localhost` and 127.0.0.1, which nobody but it has signed. */
export function selfSigned(): { key: string; cert: string } {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

/**
 * Has clients of this process believe a certificate, as `NODE_EXTRA_CA_CERTS` does, until `jest.restoreAllMocks()`.
 * @param ports where a connection to a port that only root may listen on goes instead
 */
export function trust(cert: string, ports: Record<number, number> = {}): void {
  const { connect } = tls;
  jest.spyOn(tls, 'connect').mockImplementation(((options: tls.ConnectionOptions, listener?: () => void) => {
    const port = ports[options.port ?? 0] ?? options.port;
    return connect({ ca: cert, ...options, port }, listener);
  }) as typeof tls.connect);
}
