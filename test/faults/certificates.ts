// Certificates for a mail server at localhost, made by the program openssl: a good one, and one for each way to be bad.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Certificates {
  /** What a client has to trust. */
  readonly authority: string;

  /** @param folder where they are kept */
  constructor(private readonly folder: string) {
    this.authority = join(folder, 'authority.pem');
  }

  async make() {
    await this.selfSigned('authority');
    await this.selfSigned('unknown', ['-addext', 'subjectAltName=DNS:localhost']);
    await this.issued('good', 'localhost', 2);
    await this.issued('wrong', 'mail.example.com', 2);
    await this.issued('expired', 'localhost', -1);
    return this;
  }

  /** @returns key and certificate, for a TLS server */
  read(name: string) {
    return { key: readFileSync(this.path(name, 'key')), cert: readFileSync(this.path(name, 'pem')) };
  }

  path(name: string, kind: string) {
    return join(this.folder, `${name}.${kind}`);
  }

  async selfSigned(name: string, more: string[] = []) {
    const out = ['-keyout', this.path(name, 'key'), '-out', this.path(name, 'pem')];
    await run('openssl', ['req', '-x509', ...KEY, '-subj', `/CN=${name}`, '-days', '2', ...more, ...out]);
  }

  /** @param days until it ends; of one that has ended, less than 0 */
  async issued(name: string, host: string, days: number) {
    const request = this.path(name, 'csr');
    await run('openssl', [
      'req',
      ...KEY,
      '-subj',
      `/CN=${host}`,
      '-keyout',
      this.path(name, 'key'),
      '-out',
      request,
    ]);
    const extensions = this.path(name, 'ext');
    writeFileSync(extensions, `subjectAltName=DNS:${host}\n`);
    const by = ['-CA', this.authority, '-CAkey', this.path('authority', 'key'), '-CAcreateserial'];
    const what = ['-days', String(days), '-extfile', extensions, '-out', this.path(name, 'pem')];
    await run('openssl', ['x509', '-req', '-in', request, ...by, ...what]);
  }
}
