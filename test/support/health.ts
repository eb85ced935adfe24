/** What tools that wait for objects make of theirs: Argo CD by our script, and kstatus, which Flux has, too. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { ensureModuleTool } from '../../hack/cluster/module-tool.ts';

/** The interpreter that Argo CD has, too. */
const GLUA = { module: 'lua', name: 'glua', package: 'github.com/yuin/gopher-lua/cmd/glua', takes: '10 s' };
const KSTATUS = { module: 'kstatus', name: 'kstatus', package: '.', takes: '30 s' };
const PATCH = new URL('../../config/argocd/argocd-cm.yaml', import.meta.url);
const PREFIX = 'resource.customizations.health.fairlead.dev_';
const log = (line: string) => console.log(line);

export interface Health {
  /** Those that config/argocd has a script for. */
  readonly kinds: readonly string[];
  of(kind: string, object: object): Promise<{ status: string; message: string }>;
}

export async function argocdHealth(): Promise<Health> {
  const glua = await ensureModuleTool(GLUA, { log });
  const { data } = parse(await readFile(PATCH, 'utf8')) as { data: Record<string, string> };
  const scripts = new Map(
    Object.entries(data).flatMap(([key, script]): [string, string][] =>
      key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), script]] : [],
    ),
  );
  return {
    kinds: [...scripts.keys()],
    // As Argo CD runs it: with the object as `obj`.
    of: async (kind, object) => {
      const script = scripts.get(kind) ?? '';
      const whole = `obj = ${lua(object)}\nlocal h = (function()\n${script}\nend)()\nprint(h.status .. "|" .. h.message)`;
      const { stdout } = await promisify(execFile)(glua, ['-e', whole]);
      const [status = '', message = ''] = stdout.trim().split('|');
      return { status, message };
    },
  };
}

/** `Current`, `InProgress`, `Failed` ... for each object, as the API server gives it. */
export async function kstatus(objects: readonly object[]): Promise<readonly string[]> {
  const command = await ensureModuleTool(KSTATUS, { log });
  const child = spawn(command, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  child.stdin.end(JSON.stringify(objects));
  const found = (await json(child.stdout)) as string[];
  await ended;
  return found;
}

function lua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(lua).join(', ')}}`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, item]) => `[${JSON.stringify(key)}] = ${lua(item)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}
