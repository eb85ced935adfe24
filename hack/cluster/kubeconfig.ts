import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Issued } from './pki.ts';
import { readPki } from './pki.ts';

/** A kubeconfig with everything inside, so that it can be copied elsewhere on this machine. */
export function writeKubeconfig(path: string, dir: string, server: string, user: string): void {
  writeFileSync(path, kubeconfig(server, readPki(dir, 'ca').cert, readPki(dir, user), user), { mode: 0o600 });
}

export function kubeconfig(server: string, ca: string, client: Issued, user: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'fairlead', cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name: user,
          user: {
            'client-certificate-data': base64(client.cert),
            'client-key-data': base64(client.key),
          },
        },
      ],
      contexts: [{ name: 'fairlead', context: { cluster: 'fairlead', user } }],
      'current-context': 'fairlead',
    },
    { lineWidth: 0 },
  );
}
