/** Which kinds have a page in docs/kinds, and where people read about them. */
import { CONNECTION_TEST, connectionTestSpec, connectionTestStatus } from '../../src/api/connection-test.ts';
import { KEYS_API_VERSION } from '../../src/api/names.ts';
import { resourceBundle } from '../../src/api/resource-bundle.ts';
import { secretKey } from '../../src/api/secret-key.ts';
import { secretReference } from '../../src/api/secret-reference.ts';
import { storageConfig } from '../../src/api/storage-config.ts';
import { vaultIntegration } from '../../src/api/vault-integration.ts';
import { kindPage, type KindPage } from './fields.ts';

const to = (page: string) => `[${page}](../${page})`;

const PAGES: Readonly<Record<string, KindPage>> = {
  'vault-integration': {
    kind: vaultIntegration,
    more: [to('vault-integration.md'), to('vault.md')],
    sample: 'config/samples/02-vault-integration.yaml',
  },
  'secret-reference': {
    kind: secretReference,
    more: [to('secret-reference.md'), to('pods.md')],
    sample: 'config/samples/03-secret-reference.yaml',
  },
  'resource-bundle': {
    kind: resourceBundle,
    more: ['[domains-and-permissions.md](../domains-and-permissions.md#bundles)'],
    sample: 'config/samples/09-resource-bundle.yaml',
  },
  'storage-config': {
    kind: storageConfig,
    more: [to('storage.md')],
    sample: 'config/samples/12-storage.yaml',
  },
  'secret-key': {
    kind: { ...secretKey, description: secretKey.schema.description },
    apiVersion: KEYS_API_VERSION,
    more: [to('keys.md')],
  },
  'connection-test': {
    kind: { ...CONNECTION_TEST, spec: connectionTestSpec, status: connectionTestStatus },
    apiVersion: KEYS_API_VERSION,
    more: [to('connection-test.md')],
  },
};

/** Path and content of each page. */
export function kindPages(): [path: string, content: string][] {
  return Object.entries(PAGES).map(([name, page]) => [`docs/kinds/${name}.md`, kindPage(page)]);
}
