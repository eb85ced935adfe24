/** Which kinds have a page in docs/kinds, and where people read about them. */
import { resourceBundle } from '../../src/api/resource-bundle.ts';
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
};

/** Path and content of each page. */
export function kindPages(): [path: string, content: string][] {
  return Object.entries(PAGES).map(([name, page]) => [`docs/kinds/${name}.md`, kindPage(page)]);
}
