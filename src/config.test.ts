import { describe, expect, it } from 'vitest';
import { checkProcess, ConfigError, parseConfig } from './config.ts';

const role = ['--role', 'controller'];

describe('configuration', () => {
  it('has defaults for everything but the role', () => {
    const config = parseConfig(role, {});
    expect(config).toMatchObject({
      role: 'controller',
      systemNamespace: 'fairlead-system',
      storePrefix: 'iomete-secret-store',
      workers: 32,
      leaderElect: true,
      vaultHosts: [],
      strictUse: false,
      secretsV2: true,
      allowHttpVault: false,
      tokenAudiences: ['vault'],
      refreshSeconds: 300,
      auditLog: '-',
      auditBestEffort: false,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it.each([
    ['a flag', [...role, '--workers', '8'], {}, 8],
    ['an environment variable', role, { FAIRLEAD_WORKERS: '9' }, 9],
    ['the flag, if both are given', [...role, '--workers', '8'], { FAIRLEAD_WORKERS: '9' }, 8],
  ])('takes %s', (_, args, env, workers) => {
    expect(parseConfig(args, env).workers).toBe(workers);
  });

  it('splits lists and drops empty items', () => {
    const { vaultHosts } = parseConfig([...role, '--vault-hosts', 'https://a:8200, https://b,'], {});
    expect(vaultHosts).toEqual(['https://a:8200', 'https://b']);
  });

  it('takes audiences for tokens of ServiceAccounts in place of the default', () => {
    const { tokenAudiences } = parseConfig(
      [...role, '--token-audiences', 'openbao, https://vault.example.com:8200'],
      {},
    );
    expect(tokenAudiences).toEqual(['openbao', 'https://vault.example.com:8200']);
  });

  it.each([['--secrets-v2=false'], ['--secrets-v2=true']])('takes %s', (flag) => {
    expect(parseConfig([...role, flag], {}).secretsV2).toBe(flag.endsWith('true'));
  });

  it('lets integrations reach Vault without TLS only if it is told so', () => {
    expect(parseConfig([...role, '--allow-http-vault', 'true'], {}).allowHttpVault).toBe(true);
    expect(parseConfig(role, { FAIRLEAD_ALLOW_HTTP_VAULT: 'true' }).allowHttpVault).toBe(true);
  });

  it.each([
    ['a missing role', [], '--role (or FAIRLEAD_ROLE)'],
    ['an unknown role', ['--role', 'king'], 'controller, admission, certificates'],
    ['a number out of range', [...role, '--workers', '0'], '--workers (or FAIRLEAD_WORKERS)'],
    ['not a boolean', [...role, '--leader-elect', 'perhaps'], '--leader-elect'],
    ['an address without a port', [...role, '--health-address', 'localhost'], '--health-address'],
    ['not a boolean for http', [...role, '--allow-http-vault', 'localhost'], '--allow-http-vault'],
    [
      'an audience that a policy would have to escape',
      [...role, '--token-audiences', "a'b"],
      '--token-audiences',
    ],
    ['an audit that keeps nothing', [...role, '--audit-max-files', '1'], '--audit-max-files'],
    ['an address of docs that is none', [...role, '--docs-url', 'docs/'], '--docs-url'],
    ['an unknown flag', [...role, '--vault-token', 'x'], '--vault-hosts'],
    ['a flag without a value', ['--role'], 'unknown or incomplete flag'],
  ])('refuses %s and says what is possible', (_, args, says) => {
    expect(() => parseConfig(args, {})).toThrow(ConfigError);
    expect(() => parseConfig(args, {})).toThrow(says);
  });

  it('never quotes what was given', () => {
    for (const args of [[...role, '--workers', 's3cret'], [...role, '--password=s3cret'], ['s3cret']]) {
      expect(() => parseConfig(args, {})).not.toThrow(/s3cret/);
      expect(() => parseConfig(args, {})).toThrow(ConfigError);
    }
  });
});

describe('how the process was started', () => {
  const good = ['--disable-sigusr1', '--report-exclude-env'];

  it('is accepted with the two flags', () => {
    expect(() => checkProcess({}, good)).not.toThrow();
  });

  it.each([
    ['certificate checks switched off', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, good],
    ['NODE_OPTIONS', { NODE_OPTIONS: '--require /tmp/x.js' }, good],
    ['a signal that opens a debugger', {}, ['--report-exclude-env']],
    ['crash reports with the environment', {}, ['--disable-sigusr1']],
  ])('is refused with %s', (_, env, flags) => {
    expect(() => checkProcess(env, flags)).toThrow(ConfigError);
  });
});
