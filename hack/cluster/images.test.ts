import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_IMAGE, nodeImages, ociArchive, ociLayout, PAUSE_IMAGE } from './images.ts';

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly annotations: Record<string, string>;
}

describe('the images of the node', () => {
  let dir: string;
  const json = <T>(path: string): T => JSON.parse(readFileSync(join(dir, path), 'utf8')) as T;
  const blob = (digest: string): string => join('blobs', 'sha256', digest.replace('sha256:', ''));

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-images-'));
    writeFileSync(
      join(dir, 'oci.tar'),
      ociArchive(nodeImages(Buffer.from('#!busybox'), ['sh', 'busybox']), 'amd64'),
    );
    execFileSync('tar', ['-xf', 'oci.tar'], { cwd: dir });
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('are listed by the names that pods use', () => {
    const { manifests } = json<{ manifests: Descriptor[] }>('index.json');
    expect(manifests.map((manifest) => manifest.annotations['io.containerd.image.name'])).toEqual([
      BUSYBOX_IMAGE,
      PAUSE_IMAGE,
    ]);
  });

  it('consist of blobs that are what their names say', () => {
    for (const name of readdirSync(join(dir, 'blobs/sha256')))
      expect(
        createHash('sha256')
          .update(readFileSync(join(dir, 'blobs/sha256', name)))
          .digest('hex'),
      ).toBe(name);
  });

  it('share their one layer, whose digest is its diff id because it is not compressed', () => {
    const { manifests } = json<{ manifests: Descriptor[] }>('index.json');
    const parsed = manifests.map((manifest) =>
      json<{ config: Descriptor; layers: Descriptor[] }>(blob(manifest.digest)),
    );
    const layers = parsed.flatMap((manifest) => manifest.layers.map((layer) => layer.digest));
    expect(new Set(layers).size).toBe(1);
    for (const { config } of parsed) {
      const { rootfs, architecture } = json<{ architecture: string; rootfs: { diff_ids: string[] } }>(
        blob(config.digest),
      );
      expect(rootfs.diff_ids).toEqual([layers[0]]);
      expect(architecture).toBe('amd64');
    }
  });
});

describe('an image with a layer that is a file', () => {
  const layer = { file: '/layer.tar', digest: `sha256:${'a'.repeat(64)}`, size: 5_000_000_000 };
  const image = { name: 'local/big:1', layers: [layer, Buffer.from('small')], config: {} };

  it('names the file where its content belongs, and reads nothing of it', () => {
    const { entries, digests } = ociLayout([image], 'amd64');
    const path = `blobs/sha256/${'a'.repeat(64)}`;
    expect(entries).toContainEqual({ path, file: layer.file, size: layer.size });
    expect(digests.get(image.name)).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('has another digest when a layer is another', () => {
    const other = { ...image, layers: [{ ...layer, digest: `sha256:${'b'.repeat(64)}` }] };
    const digest = (of: typeof image | typeof other) => ociLayout([of], 'amd64').digests.get(of.name);
    expect(digest(image)).not.toBe(digest(other));
  });

  it('does not go into one buffer', () => {
    expect(() => ociArchive([image])).toThrow(/too big/);
  });
});
