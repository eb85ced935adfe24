/** What an administrator does to Vault in the demo, the bench and the tests: policies, AppRoles, secrets. */
export interface VaultAdmin {
  /** Any call of the HTTP API; rejects on an error status with method, path and status. */
  call<T = Record<string, never>>(method: string, path: string, body?: object): Promise<T>;
  /** Writes the KV v2 secret at `<mount>/data/<path>`; resolves to its new version. */
  put(apiPath: string, data: object): Promise<number>;
  policy(name: string, hcl: string): Promise<void>;
  /** An AppRole with these policies, and one secret id for it. The auth method is enabled if it is not. */
  appRole(name: string, policies: readonly string[], options?: object): Promise<AppRole>;
  readonly address: string;
}

export interface AppRole {
  readonly roleId: string;
  readonly secretId: string;
}

export function vaultAdmin(
  { address, rootToken }: { address: string; rootToken: string },
  namespace?: string,
): VaultAdmin {
  const headers = { 'X-Vault-Token': rootToken, ...(namespace && { 'X-Vault-Namespace': namespace }) };
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${address}/v1/${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : {}) as T;
  };
  return {
    address,
    call,
    put: async (path, data) =>
      (await call<{ data: { version: number } }>('POST', path, { data })).data.version,
    policy: async (name, hcl) => void (await call('PUT', `sys/policies/acl/${name}`, { policy: hcl })),
    appRole: async (name, policies, options = {}) => {
      const mounted = await call<{ data: object }>('GET', 'sys/auth');
      if (!Object.hasOwn(mounted.data, 'approle/'))
        await call('POST', 'sys/auth/approle', { type: 'approle' });
      await call('POST', `auth/approle/role/${name}`, {
        token_policies: policies,
        token_ttl: '1h',
        ...options,
      });
      const role = await call<{ data: { role_id: string } }>('GET', `auth/approle/role/${name}/role-id`);
      const secret = await call<{ data: { secret_id: string } }>(
        'POST',
        `auth/approle/role/${name}/secret-id`,
      );
      return { roleId: role.data.role_id, secretId: secret.data.secret_id };
    },
  };
}

/** The whole policy that an integration needs for one path. */
export function readPolicy(apiPath: string): string {
  return `path "${apiPath}" { capabilities = ["read"] }`;
}
