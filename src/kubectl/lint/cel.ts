import { Environment } from '@marcbachmann/cel-js';

/** The URL library of Kubernetes' CEL, as far as the rules of src/api use it. */
class Url {
  readonly url: URL;

  constructor(url: URL) {
    this.url = url;
  }
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerType('URL', { ctor: Url, fields: {} })
  .registerFunction('isURL(string): bool', (text: string) => parsed(text) !== undefined)
  .registerFunction('url(string): URL', (text: string) => new Url(new URL(text)))
  .registerFunction('URL.getScheme(): string', ({ url }: Url) => url.protocol.slice(0, -1))
  .registerFunction('URL.getHost(): string', ({ url }: Url) => url.host);

const compiled = new Map<string, (context: { self: unknown }) => unknown>();

/**
 * Does a rule of a CRD hold for this value? The very rules of src/api are evaluated, so that there are no others to
 * keep in step. Undefined for a rule about a change (`oldSelf`), which only the API server can see.
 */
export function holds(rule: string, self: unknown): boolean | undefined {
  if (/\boldSelf\b/.test(rule)) return undefined;
  let run = compiled.get(rule);
  if (!run) {
    run = environment.parse(ecmaClasses(rule));
    compiled.set(rule, run);
  }
  return run({ self }) === true;
}

/** RE2 knows POSIX classes, ECMAScript does not. */
function ecmaClasses(rule: string): string {
  return rule.replaceAll('[:cntrl:]', '\\\\x00-\\\\x1f\\\\x7f').replaceAll('[:space:]', '\\\\s');
}
