import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ensureModuleTool } from '../../hack/cluster/module-tool.ts';

/** The interpreter that Argo CD has, too. No cluster is needed, but what builds tools is here. */
const GLUA = { module: 'lua', name: 'glua', package: 'github.com/yuin/gopher-lua/cmd/glua', takes: '10 s' };
const PATCH = new URL('../../config/argocd/argocd-cm.yaml', import.meta.url);
const PREFIX = 'resource.customizations.health.fairlead.dev_';

let glua: string;
let scripts: Map<string, string>;
beforeAll(async () => {
  glua = await ensureModuleTool(GLUA, { log: (line) => console.log(line) });
  const { data } = parse(await readFile(PATCH, 'utf8')) as { data: Record<string, string> };
  scripts = new Map(
    Object.entries(data).flatMap(([key, script]) =>
      key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), script]] : [],
    ),
  );
}, 300_000);

function lua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `[${JSON.stringify(key)}] = ${lua(item)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}

/** As Argo CD runs it: with the object as `obj`. */
async function health(kind: string, object: object): Promise<{ status: string; message: string }> {
  const script = scripts.get(kind) ?? '';
  const whole = `obj = ${lua(object)}\nlocal h = (function()\n${script}\nend)()\nprint(h.status .. "|" .. h.message)`;
  const { stdout } = await promisify(execFile)(glua, ['-e', whole]);
  const [status = '', message = ''] = stdout.trim().split('|');
  return { status, message };
}

const ready = (status: string, message: string, observedGeneration = 2) => ({
  ...{ type: 'Ready', status, reason: 'Any', message, observedGeneration },
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const stalled = { ...ready('True', 'needs somebody'), type: 'Stalled' };

describe('the health that Argo CD shows', () => {
  it('is known for every kind', () => {
    expect([...scripts.keys()].sort()).toEqual([
      'ResourceBundle',
      'SecretReference',
      'StorageConfig',
      'VaultIntegration',
    ]);
  });

  it.each([
    ['nothing was looked at', {}, 'Progressing', 'Fairlead has not looked at it yet'],
    ['no condition is there yet', { status: {} }, 'Progressing', 'Fairlead has not looked at it yet'],
    ['it is ready', { status: { conditions: [ready('True', '2 variables')] } }, 'Healthy', '2 variables'],
    [
      'it was ready before it was changed',
      { status: { conditions: [ready('True', '2 variables', 1)] } },
      'Progressing',
      'Fairlead has not looked at it yet',
    ],
    [
      'it waits for what comes by itself',
      { status: { conditions: [ready('False', 'vault is sealed')] } },
      'Progressing',
      'vault is sealed',
    ],
    [
      'somebody has to change it',
      { status: { conditions: [stalled, ready('False', 'A is defined twice')] } },
      'Degraded',
      'A is defined twice',
    ],
  ])('when %s', async (_, object, status, message) => {
    for (const kind of scripts.keys()) {
      const seen = await health(kind, { metadata: { generation: 2 }, ...object });
      expect([kind, seen]).toEqual([kind, { status, message }]);
    }
  });
});
