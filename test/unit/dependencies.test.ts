import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly overrides: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;

describe('dependencies', () => {
  it('of production are just these: whoever adds one has a reason and changes this list', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      '@kubernetes/client-node',
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace',
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
    const { axios: _, ...all } = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const version of Object.values(all)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('have a stand-in for axios, wherever it is asked for, and nothing that only axios needs', () => {
    expect(manifest.devDependencies['axios']).toBe('file:hack/no-axios');
    expect(manifest.overrides).toEqual({ axios: '$axios' });
    const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
    expect(lock.packages['node_modules/axios']).toEqual({ resolved: 'hack/no-axios', link: true });
    const paths = Object.keys(lock.packages);
    expect(paths.filter((path) => /\/(axios|follow-redirects|proxy-from-env)$/.test(path))).toEqual([
      'node_modules/axios',
    ]);
  });
});
