import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBao, type Bao } from '../../hack/cluster/bao.ts';
import { http } from '../../hack/cluster/http.ts';
import { createAuthority, issue, type Authority, type Issued } from '../../hack/cluster/pki.ts';

/** A real OpenBao behind TLS that lets in only whoever has a certificate of its authority for clients. */
export interface TlsLab {
  readonly bao: Bao;
  /** PEM of the authority of its own certificate. */
  readonly ca: string;
  readonly caFile: string;
  /** Of an authority that nobody knows. */
  readonly otherCa: string;
  readonly client: Issued;
  /** Of an authority that OpenBao does not know. */
  readonly stranger: Issued;
  readonly admin: (method: string, path: string, body?: object) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startTlsLab(name: string): Promise<TlsLab> {
  const dir = mkdtempSync(join(tmpdir(), `fairlead-${name}-`));
  const authority = await createAuthority('vault-ca');
  const clients = await createAuthority('vault-clients');
  const other = await createAuthority('other');
  const server = await issue(authority, { commonName: 'vault', usage: ['server'], ips: ['127.0.0.1'] });
  const file = (of: string, text: string) => {
    writeFileSync(join(dir, of), text, { mode: 0o600 });
    return join(dir, of);
  };
  const caFile = file('ca.crt', authority.cert);
  const clientCert = await client(clients, 'administrator');
  const bao = await startBao({
    dir: join(dir, 'bao'),
    tls: {
      certFile: file('tls.crt', server.cert),
      keyFile: file('tls.key', server.key),
      clientCaFile: file('clients.crt', clients.cert),
      clientCert,
    },
  });
  return {
    bao,
    ca: authority.cert,
    caFile,
    otherCa: other.cert,
    client: await client(clients, 'fairlead'),
    stranger: await client(other, 'fairlead'),
    admin: async (method, path, body) => {
      const headers = { 'x-vault-token': bao.rootToken };
      const options = { method, headers, body, anyCertificate: true, ...clientCert };
      const { status, text } = await http(`${bao.address}/v1/${path}`, options);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    },
    close: async () => {
      await bao.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const client = (authority: Authority, commonName: string): Promise<Issued> =>
  issue(authority, { commonName, usage: ['client'] });
