import { createHash } from 'node:crypto';
import { ClusterError } from './errors.ts';
import type { TarEntry, TarFile } from './tar.ts';
import { tar } from './tar.ts';

export const BUSYBOX_IMAGE = 'fairlead.local/busybox:1';
export const PAUSE_IMAGE = 'fairlead.local/pause:1';

export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
}

/** A layer that is a file: an uncompressed tar, and its digest (`sha256:...`). */
export interface LayerFile {
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

export interface Image {
  readonly name: string;
  readonly layers: readonly (Uint8Array | LayerFile)[];
  readonly config: ImageConfig;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface OciLayout {
  readonly entries: readonly (TarEntry | TarFile)[];
  /** Each image's digest, by its name. */
  readonly digests: ReadonlyMap<string, string>;
}

/** An OCI layout as the entries of one tar, for `ctr images import`; images that share a layer hold it once. */
export function ociLayout(images: readonly Image[], architecture = ociArchitecture()): OciLayout {
  const blobs = new Map<string, TarEntry | TarFile>();
  const add = (mediaType: string, data: Uint8Array | LayerFile): Descriptor => {
    const digest = 'file' in data ? data.digest : sha256(data);
    const size = 'file' in data ? data.size : data.length;
    const path = `blobs/${digest.replace(':', '/')}`;
    blobs.set(digest, 'file' in data ? { path, file: data.file, size } : { path, data });
    return { mediaType, digest, size };
  };
  const addJson = (mediaType: string, value: unknown) => add(mediaType, json(value));

  const manifests = images.map((image) => {
    const layers = image.layers.map((layer) => add('application/vnd.oci.image.layer.v1.tar', layer));
    const config = addJson('application/vnd.oci.image.config.v1+json', {
      architecture,
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
      // buildah builds on nothing whose history says less than its layers.
      history: layers.map(() => ({ created_by: 'fairlead' })),
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = addJson(mediaType, { schemaVersion: 2, mediaType, config, layers });
    return {
      ...manifest,
      annotations: {
        'io.containerd.image.name': image.name,
        'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
      },
    };
  });
  return {
    digests: new Map(images.map(({ name }, index) => [name, manifests[index]?.digest ?? ''])),
    entries: [
      { path: 'oci-layout', data: json({ imageLayoutVersion: '1.0.0' }) },
      { path: 'index.json', data: json({ schemaVersion: 2, manifests }) },
      { path: 'blobs', directory: true },
      { path: 'blobs/sha256', directory: true },
      ...blobs.values(),
    ],
  };
}

/** The layout of images whose layers are all in memory, as one tar. */
export function ociArchive(images: readonly Image[], architecture = ociArchitecture()): Buffer {
  return tar(
    ociLayout(images, architecture).entries.map((entry) => {
      if ('file' in entry) throw new ClusterError('UNSUPPORTED', `${entry.file} is too big for one buffer`);
      return entry;
    }),
  );
}

/** busybox with a link for each of its commands, and the few files that programs expect of a system. */
export function busyboxLayer(busybox: Uint8Array, applets: readonly string[]): Buffer {
  const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'var'];
  const entries: TarEntry[] = [
    ...folders.map((path) => ({ path, directory: true as const })),
    { path: 'tmp', directory: true, mode: 0o1777 },
    {
      path: 'etc/passwd',
      data: text('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'),
    },
    { path: 'etc/group', data: text('root:x:0:\nnogroup:x:65534:\n') },
    { path: 'bin/busybox', data: busybox, mode: 0o755 },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' })),
    { path: 'usr/bin/env', linkTo: '/bin/busybox' },
  ];
  return tar(entries);
}

export function nodeImages(busybox: Uint8Array, applets: readonly string[]): Image[] {
  const layers = [busyboxLayer(busybox, applets)];
  const Env = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  return [
    { name: BUSYBOX_IMAGE, layers, config: { Cmd: ['sh'], Env } },
    // Holds a pod's namespaces; the runtime ends it with SIGKILL.
    { name: PAUSE_IMAGE, layers, config: { Entrypoint: ['/bin/sleep', 'infinity'], Env } },
  ];
}

function ociArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

function sha256(data: Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

function json(value: unknown): Buffer {
  return text(JSON.stringify(value));
}

function text(value: string): Buffer {
  return Buffer.from(value);
}
