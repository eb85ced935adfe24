/**
 * Writes what is generated from the sources: crds/ from the zod schemas, docs/reasons.md from the table of
 * reasons, docs/permission-matrix.md from the table that the tests run, and so on. `--check` writes nothing and fails if a file differs.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinition } from '../src/api/crd.ts';
import { GROUP } from '../src/api/names.ts';
import { resourceBundle } from '../src/api/resource-bundle.ts';
import { secretReference } from '../src/api/secret-reference.ts';
import { storageConfig } from '../src/api/storage-config.ts';
import { vaultIntegration } from '../src/api/vault-integration.ts';
import { matrixPage } from '../test/support/permission-matrix.ts';
import { argocdConfig } from './chart/argocd.ts';
import { RULES } from './monitoring/rules.ts';
import { dashboard } from './monitoring/dashboard.ts';
import { chartTemplates } from './chart/templates.ts';
import { chartReadme } from './chart/readme.ts';
import { valuesSchema } from './chart/values-schema.ts';
import { kindPages } from './docs/kinds.ts';
import { reasonsPage } from './docs/reasons.ts';

function crd(kind: Parameters<typeof customResourceDefinition>[0]): string {
  const yaml = stringify(customResourceDefinition(kind), { version: '1.1', lineWidth: 120 });
  return `# Generated from src/api by hack/generate.ts; do not edit.\n---\n${yaml}`;
}

const VALUES = new URL('../charts/fairlead/values.yaml', import.meta.url);
const kinds = [vaultIntegration, secretReference, resourceBundle, storageConfig];
const files = new Map([
  ...kinds.map((kind): [string, string] => [`crds/${GROUP}_${kind.plural}.yaml`, crd(kind)]),
  ['docs/reasons.md', reasonsPage()],
  ['docs/permission-matrix.md', matrixPage()],
  ...kindPages(),
  ['config/argocd/argocd-cm.yaml', await argocdConfig(kinds.map(({ kind }) => kind))],
  ['charts/fairlead/values.schema.json', valuesSchema()],
  ['charts/fairlead/README.md', chartReadme(await readFile(VALUES, 'utf8'))],
  ['charts/fairlead/files/rules.yaml', await readFile(RULES, 'utf8')],
  ['config/monitoring/dashboard.json', dashboard()],
  ['charts/fairlead/files/dashboard.json', dashboard()],
]);

const check = process.argv.includes('--check');
const differing: string[] = [];

async function write(contents: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, content] of contents) {
    const url = new URL(`../${path}`, import.meta.url);
    const present = await readFile(url, 'utf8').catch(() => '');
    if (present === content) continue;
    differing.push(path);
    if (check) continue;
    await mkdir(dirname(url.pathname), { recursive: true });
    await writeFile(url, content);
  }
}

await write(files);
// Afterwards: they are made of files that were written just now.
await write(await chartTemplates());
if (check && differing.length > 0) {
  console.error(`generated files differ from their source: ${differing.join(', ')}; run make generate`);
  process.exitCode = 1;
}
