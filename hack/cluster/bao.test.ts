import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bao } from './bao.ts';
import { attachBao, startBao } from './bao.ts';
import { createAuthority, issue } from './pki.ts';
import { http } from './http.ts';

/** Installing the wheel, where the cache is empty. */
const FIRST_START_MS = 120_000;

describe('an OpenBao of our own', () => {
  let dir: string;
  let bao: Bao;
  const call = async (method: string, path: string, body?: unknown) =>
    http(`${bao.address}/v1/${path}`, { method, body, headers: { 'x-vault-token': bao.rootToken } });

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-bao-'));
    bao = await startBao({ dir: join(dir, 'a') });
  }, FIRST_START_MS);
  afterAll(async () => {
    await bao.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('keeps data, address and token over a restart, and unseals itself', async () => {
    expect((await call('POST', 'secret/data/app', { data: { key: 'value' } })).status).toBe(200);
    await bao.stop();
    expect(bao.pid()).toBeUndefined();
    await bao.start();
    expect((await call('GET', 'secret/data/app')).json<{ data: { data: unknown } }>().data.data).toEqual({
      key: 'value',
    });
  });

  it('seals and unseals', async () => {
    await bao.seal();
    expect((await call('GET', 'secret/data/app')).status).toBe(503);
    expect(await bao.ready()).toBe(false);
    await bao.unseal();
    expect((await call('GET', 'sys/mounts')).status).toBe(200);
  });

  it('is found again by its directory, which others cannot read', () => {
    const again = attachBao(join(dir, 'a'));
    expect([again.address, again.rootToken, again.pid()]).toEqual([bao.address, bao.rootToken, bao.pid()]);
    expect(statSync(join(dir, 'a', 'bao.json')).mode & 0o777).toBe(0o600);
  });

  it('serves TLS with a given certificate, and leaves nothing after close', async () => {
    const authority = await createAuthority('test');
    const { cert, key } = await issue(authority, {
      commonName: 'bao',
      usage: ['server'],
      ips: ['127.0.0.1'],
    });
    const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const secure = await startBao({ dir: join(dir, 'b'), tls: { certFile, keyFile } });
    expect((await http(`${secure.address}/v1/sys/health`, { ca: authority.cert })).status).toBe(200);
    await expect(http(`${secure.address}/v1/sys/health`)).rejects.toThrow(/certificate/);
    await secure.close();
    expect(secure.pid()).toBeUndefined();
    expect(existsSync(join(dir, 'b'))).toBe(false);
  });
});
