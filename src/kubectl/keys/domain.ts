import { DOMAIN_LABEL } from '../../api/names.ts';
import { RESOURCES } from '../../api/resources.ts';
import type { Api } from '../api/api.ts';
import { hiddenText, see } from '../api/see.ts';
import { PluginError, usageError } from '../cli/exit.ts';
import { quoted } from '../../admission/annotations.ts';

/** What a key of a store, and so of a Secret, may be called. */
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** The one argument of `set` and `unset`. Throws PluginError Usage; more arguments are not quoted: one may be the value. */
export function oneKey(args: readonly string[], more: string): string {
  const [key, ...rest] = args;
  if (key === undefined) throw usageError('which key? Name one');
  if (rest.length > 0) throw usageError(more);
  if (!KEY.test(key) || key === '.' || key === '..')
    throw usageError('a key has letters, digits, -, _ and . only, at most 253');
  return key;
}

/** The domain whose store is written: that of the namespace. Rejects with PluginError if that cannot be known. */
export async function domainOf(api: Api, given: string | undefined): Promise<string> {
  if (given !== undefined && given !== '') return given;
  const { namespace } = api;
  const seen = await see<{ metadata: { labels?: Record<string, string> } }>(api, RESOURCES.namespaces, {
    name: namespace,
  });
  if (seen.kind === 'hidden')
    throw new PluginError(
      'CannotTell',
      `the domain of namespace ${quoted(namespace)} is ${hiddenText(seen.needs)}; name it with --domain`,
    );
  if (seen.kind === 'absent') throw new PluginError('NotOk', `there is no namespace ${quoted(namespace)}`);
  const domain = seen.object.metadata.labels?.[DOMAIN_LABEL];
  if (!domain) throw new PluginError('NotOk', `namespace ${quoted(namespace)} has no label ${DOMAIN_LABEL}`);
  return domain;
}

/** The SecretKey's name: `kubernetes:marketing:db_password`. */
export function keyName(domain: string, key: string): string {
  return `kubernetes:${domain}:${key}`;
}
