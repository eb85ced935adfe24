import { describe, expect, it } from 'vitest';
import { providerFromEnvironment } from './providers.ts';
import { kubernetesVersion } from './tools.ts';

describe('the pinned tools', () => {
  it('take their version from go.mod', () => {
    expect(kubernetesVersion('require (\n\tk8s.io/kubernetes v1.36.3 // indirect\n)')).toBe('v1.36.3');
    expect(kubernetesVersion()).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(() => kubernetesVersion('module x')).toThrow(/does not pin/);
  });
});

describe('CLUSTER', () => {
  it.each([
    [undefined, 'local'],
    ['', 'local'],
    ['local', 'local'],
    ['kind', 'kind'],
    ['current', 'current'],
  ])('%s means %s', (value, provider) => {
    expect(providerFromEnvironment(value ?? '')).toBe(provider);
  });

  it('is refused when it is none of these', () => {
    expect(() => providerFromEnvironment('k3s')).toThrow(/use local, kind or current/);
  });
});
