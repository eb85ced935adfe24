interface Keys {
  /** Each as `TYPE/id/key`. */
  readonly secret?: string;
  readonly access?: string;
}

/** A StorageConfig: MinIO with a bucket of its own name, unless it says otherwise. */
export function storage(
  name: string,
  namespace: string,
  { secret, access }: Keys = {},
  more: Readonly<Record<string, unknown>> = {},
): object {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'StorageConfig',
    metadata: { name, namespace },
    spec: {
      ...{ type: 'minio', endpoint: 'http://minio:9000', bucket: name },
      ...(access && { accessKeySecret: secretOf(access) }),
      ...(secret && { storageSecret: secretOf(secret) }),
      ...more,
    },
  };
}

function secretOf(text: string): object {
  const [type, id, key] = text.split('/');
  return { key, source: { type, id } };
}
