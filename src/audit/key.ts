import { randomBytes } from 'node:crypto';
import { AUDIT_KEY_SECRET, AUDIT_KEY_TYPE } from '../api/names.ts';
import { RESOURCES } from '../api/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { codeOf, KubeError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/objects.ts';
import { AuditError } from './errors.ts';

export interface AuditKey {
  /** Which Secret it came from: one that is made again has another uid, and another key. */
  readonly uid: string;
  readonly bytes: Buffer;
}

const FIELD = 'key';
const KEY_BYTES = 32;

/**
 * Makes the key if there is none; resolves to whether it did. Needs no right but `create`: whoever makes the key need
 * not be able to read it. Immutable, so that it changes only by being made anew.
 */
export async function makeAuditKey(
  client: Pick<KubeClient, 'create'>,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: AUDIT_KEY_TYPE,
    immutable: true,
    metadata: { name: AUDIT_KEY_SECRET, namespace, labels: { 'app.kubernetes.io/managed-by': 'fairlead' } },
    data: { [FIELD]: Buffer.from(randomBytes(KEY_BYTES).toString('hex')).toString('base64') },
  };
  try {
    await client.create(RESOURCES.secrets, secret, { signal });
    return true;
  } catch (error) {
    if (error instanceof KubeError && error.code === 'AlreadyExists') return false;
    throw error;
  }
}

/** Rejects with AuditError. */
export async function readAuditKey(client: Pick<KubeClient, 'get'>, namespace: string): Promise<AuditKey> {
  type Secret = KubeObject & { readonly type?: string; readonly data?: Readonly<Record<string, string>> };
  let secret: Secret;
  try {
    secret = await client.get<Secret>(RESOURCES.secrets, { namespace, name: AUDIT_KEY_SECRET });
  } catch (error) {
    throw new AuditError(
      'KeyMissing',
      `its key, the Secret ${AUDIT_KEY_SECRET}, cannot be read (${codeOf(error)}); the certificates role makes it`,
    );
  }
  const bytes = parseKey(Buffer.from(secret.data?.[FIELD] ?? '', 'base64').toString());
  if (bytes && secret.type === AUDIT_KEY_TYPE) return { uid: secret.metadata.uid, bytes };
  throw new AuditError(
    'KeyInvalid',
    `its key, the Secret ${AUDIT_KEY_SECRET}, is not of type ${AUDIT_KEY_TYPE} with ${KEY_BYTES} bytes in hexadecimal under ${FIELD}; delete it, and the certificates role makes another`,
  );
}

/** The key as it stands in the Secret, and in a file that was made of it: 64 hexadecimal digits. */
export function parseKey(text: string): Buffer | undefined {
  const hex = text.trim();
  return /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}
