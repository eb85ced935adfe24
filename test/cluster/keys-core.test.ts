import { afterAll, beforeAll, expect, it } from 'vitest';
import { platform, type Platform } from '../support/platform.ts';

let p: Platform;
beforeAll(async () => {
  p = await platform('keys-core', { keysApi: true });
});
afterAll(async () => {
  await p?.stop();
});

it('is up', async () => {
  console.log(await p.k.run('get', 'apiservice', 'v1alpha1.keys.fairlead.dev', '-o', 'yaml'));
  console.log(await p.k.run('api-versions'));
  console.log(await p.k.run('get', '--raw', '/openapi/v3/apis/keys.fairlead.dev/v1alpha1'));
  console.log(await p.fairlead.process('keys').logs());
});
