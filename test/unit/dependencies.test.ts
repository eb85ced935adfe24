import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;

describe('dependencies', () => {
  it('of production are just these: whoever adds one has a reason and changes this list', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      '@kubernetes/client-node',
      '@peculiar/x509',
      '@prometheus-io/client',
      'node-vault',
      'pino',
      'reflect-metadata',
      'undici',
      'yaml',
      'zod',
    ]);
  });

  it('are pinned to exact versions', () => {
    for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });
});
