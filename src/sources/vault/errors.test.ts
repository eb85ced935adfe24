import { inspect } from 'node:util';
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../api/names.ts';
import { ADDRESS_REFUSED } from './address.ts';
import { codeOf, explain, failure, networkFault, VaultError, type Described, type Fault } from './errors.ts';

const target: Described = {
  origin: 'https://vault.example.com:8200',
  apiPath: 'secret/data/app',
  location: 'https://vault.example.com:8200/v1/secret/data/app',
};
const fault: Fault = { reason: 'PermissionDenied', scope: 'read', status: 403, what: 'no: ask for it' };

describe('a message', () => {
  const rows: Record<string, [target: Described, fault: Fault, message: string]> = {
    'names the method, the host, the path and the status': [
      target,
      fault,
      'no: ask for it (GET https://vault.example.com:8200/v1/secret/data/app answered HTTP 403)',
    ],
    'names the namespace': [
      { ...target, namespace: 'team-a' },
      fault,
      'no: ask for it (GET https://vault.example.com:8200/v1/secret/data/app in namespace team-a answered HTTP 403)',
    ],
    'names the request that failed if it was another one': [
      target,
      { ...fault, request: 'POST /v1/auth/approle/login' },
      'no: ask for it (POST https://vault.example.com:8200/v1/auth/approle/login answered HTTP 403)',
    ],
    'names the namespace of the login if it was a request for the login': [
      { ...target, namespace: 'team-a', loginNamespace: 'root-team' },
      { ...fault, request: 'POST /v1/auth/approle/login' },
      'no: ask for it (POST https://vault.example.com:8200/v1/auth/approle/login in namespace root-team answered HTTP 403)',
    ],
    'names no namespace of the path if the login is in none': [
      { ...target, namespace: 'team-a' },
      { ...fault, request: 'POST /v1/auth/approle/login' },
      'no: ask for it (POST https://vault.example.com:8200/v1/auth/approle/login answered HTTP 403)',
    ],
    'names no host of Vault for what the API server was asked': [
      { ...target, loginNamespace: 'team-a' },
      {
        reason: 'LoginFailed',
        scope: 'connection',
        what: 'no token',
        request: 'POST serviceaccounts/vault-login/token',
      },
      'no token (POST serviceaccounts/vault-login/token)',
    ],
    'names the methods that could not be tried if the login failed': [
      { ...target, unusable: [{ method: 'jwt', message: 'there is no Secret a' }] },
      { reason: 'CredentialsRefused', scope: 'connection', what: 'refused' },
      'refused; jwt: there is no Secret a (GET https://vault.example.com:8200/v1/secret/data/app)',
    ],
    'does not name them if something else failed': [
      { ...target, unusable: [{ method: 'jwt', message: 'there is no Secret a' }] },
      { reason: 'Sealed', scope: 'server', what: 'sealed' },
      'sealed (GET https://vault.example.com:8200/v1/secret/data/app)',
    ],
    'names no status if there was no answer': [
      target,
      { reason: 'Unreachable', scope: 'connection', what: 'down: start it' },
      'down: start it (GET https://vault.example.com:8200/v1/secret/data/app)',
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [target, fault, message]) => {
    expect(explain(target, fault)).toBe(message);
  });

  it('is cut to a kibibyte at a character, the path first', () => {
    for (const piece of ['x', 'é', '日', '🔑']) {
      const message = explain({ ...target, apiPath: piece.repeat(2000) }, fault);
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(LIMITS.messageBytes);
      expect(message).toMatch(/^no: ask for it \(GET .*…\)$/u);
      expect(message.isWellFormed()).toBe(true);
      expect(message).not.toContain('�');
    }
  });

  it('is all that a failure says, with the time to wait beside it', () => {
    expect(failure(target, fault)).toEqual({
      kind: 'failed',
      location: target.location,
      reason: 'PermissionDenied',
      message: explain(target, fault),
    });
    expect(failure(target, fault, 1500)).toMatchObject({ retryAfterMs: 1500 });
  });
});

describe('a network error', () => {
  const rows: Record<string, [code: string, reason: string, words: string]> = {
    'of DNS': ['ENOTFOUND', 'Unreachable', 'does not resolve'],
    'of DNS that is down': ['EAI_AGAIN', 'Unreachable', 'DNS does not answer'],
    'of a closed port': ['ECONNREFUSED', 'Unreachable', 'is refused'],
    'of a missing route': ['EHOSTUNREACH', 'Unreachable', 'no route'],
    'of a missing network': ['ENETUNREACH', 'Unreachable', 'no route'],
    'of time in the kernel': ['ETIMEDOUT', 'Unreachable', 'timed out'],
    'of time in undici': ['UND_ERR_CONNECT_TIMEOUT', 'Unreachable', 'timed out'],
    'of a reset': ['ECONNRESET', 'Unreachable', 'broke'],
    'of a closed socket': ['UND_ERR_SOCKET', 'Unreachable', 'broke'],
    'of an answer that is no HTTP': ['HPE_INVALID_CONSTANT', 'Unreachable', 'broke'],
    'of a kind nobody knows': ['UNKNOWN', 'Unreachable', 'broke'],
    'of TLS spoken to a port without it': [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'Unreachable',
      'does not speak TLS',
    ],
    'of the TLS protocol': ['EPROTO', 'Unreachable', 'does not speak TLS'],
    'of an address that is refused': [ADDRESS_REFUSED, 'Unreachable', '--vault-hosts'],
    'of an unknown CA': [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'TLSVerificationFailed',
      'spec.tls (caBundle, caSecretRef or caConfigMapRef)',
    ],
    'of a missing issuer': [
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'TLSVerificationFailed',
      'spec.tls (caBundle, caSecretRef or caConfigMapRef)',
    ],
    'of a self-signed certificate': [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'TLSVerificationFailed',
      'spec.tls (caBundle, caSecretRef or caConfigMapRef)',
    ],
    'of a self-signed CA': [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'TLSVerificationFailed',
      'spec.tls (caBundle, caSecretRef or caConfigMapRef)',
    ],
    'of a certificate that expired': ['CERT_HAS_EXPIRED', 'TLSVerificationFailed', 'has expired'],
    'of a certificate of tomorrow': ['CERT_NOT_YET_VALID', 'TLSVerificationFailed', 'not valid yet'],
    'of a certificate for another name': [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'TLSVerificationFailed',
      'this host',
    ],
    'of a client without a certificate': [
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
      'TLSVerificationFailed',
      'check spec.tls.clientCertSecretRef',
    ],
    'of a client whose CA the server does not know': [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'TLSVerificationFailed',
      'check spec.tls.clientCertSecretRef',
    ],
    'of a client certificate that the server refuses': [
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'TLSVerificationFailed',
      'check spec.tls.clientCertSecretRef',
    ],
    'of a client certificate that the server insists on': [
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'TLSVerificationFailed',
      'check spec.tls.clientCertSecretRef',
    ],
    'of TLS in another version': [
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'Unreachable',
      'does not speak TLS',
    ],
    'of a certificate for another use': [
      'INVALID_PURPOSE',
      'TLSVerificationFailed',
      'spec.tls (caBundle, caSecretRef or caConfigMapRef)',
    ],
  };
  it.each(Object.entries(rows))('%s', (_, [code, reason, words]) => {
    const fault = networkFault(code, 'GET /v1/x');
    expect(fault).toMatchObject({ reason, scope: 'server', request: 'GET /v1/x' });
    expect(fault.what).toContain(words);
    expect(fault).not.toHaveProperty('status');
  });
});

describe('a connection that breaks', () => {
  it('names the client certificate where there is TLS: the server may have wanted one', () => {
    expect(networkFault('UND_ERR_SOCKET', 'GET /v1/x', true).what).toContain('spec.tls.clientCertSecretRef');
    expect(networkFault('UND_ERR_SOCKET', 'GET /v1/x', false).what).not.toContain('spec.tls');
  });

  it('does not name it for what has a cause of its own', () => {
    expect(networkFault('ECONNREFUSED', 'GET /v1/x', true).what).not.toContain('spec.tls');
  });
});

describe('the code of an error', () => {
  const coded = (code: string, more: object = {}) => Object.assign(new Error('planted'), { code, ...more });
  const rows: Record<string, [error: unknown, code: string]> = {
    'is its own': [coded('ECONNREFUSED'), 'ECONNREFUSED'],
    'is that of its cause': [new TypeError('fetch failed', { cause: coded('ENOTFOUND') }), 'ENOTFOUND'],
    'is that of the first of several': [
      new AggregateError([coded('EHOSTUNREACH'), coded('X')]),
      'EHOSTUNREACH',
    ],
    'is that of OpenSSL, with its slash': [
      coded('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE'),
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
    ],
    "is undici's": [new errors.SocketError('other side closed'), 'UND_ERR_SOCKET'],
    'is not a number': [Object.assign(new Error('planted'), { code: 42 }), 'UNKNOWN'],
    'is not a text that may hold anything': [coded('planted secret'), 'UNKNOWN'],
    'is unknown for an error without one': [new Error('planted'), 'UNKNOWN'],
    'is unknown for what is no error': ['planted', 'UNKNOWN'],
    'is unknown for nothing': [undefined, 'UNKNOWN'],
  };
  it.each(Object.entries(rows))('%s', (_, [error, code]) => {
    expect(codeOf(error)).toBe(code);
  });

  it('is found though causes go in circles', () => {
    const error = new Error('planted') as Error & { cause: unknown };
    error.cause = error;
    expect(codeOf(error)).toBe('UNKNOWN');
  });
});

describe('a VaultError', () => {
  it('has the reason as its code and a code as its cause', () => {
    const error = new VaultError(fault, 'ECONNRESET');
    expect(error).toMatchObject({ name: 'VaultError', code: 'PermissionDenied', message: fault.what, fault });
    expect(error.cause).toBe('ECONNRESET');
    expect(inspect(error)).toContain("[cause]: 'ECONNRESET'");
  });

  it('has no cause if there is none', () => {
    expect(Object.hasOwn(new VaultError(fault), 'cause')).toBe(false);
  });
});
