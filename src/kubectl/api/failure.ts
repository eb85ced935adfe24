import { KubeError } from '../../kube/errors.ts';
import { EXIT, PluginError, type ExitCode } from '../cli/exit.ts';
import { printable } from '../cli/io.ts';

export interface Failure {
  readonly message: string;
  readonly exit: ExitCode;
}

/**
 * What people are told of a failure. The API server's own words are for whoever asked, on their own terminal; `quiet`
 * leaves them out, for requests that carry a value, which a webhook or a validation could quote.
 */
export function failureOf(error: unknown, { quiet = false } = {}): Failure {
  if (error instanceof PluginError) return { message: error.message, exit: error.exit };
  // The message of an unknown error can hold anything.
  if (!(error instanceof KubeError))
    return { message: 'something went wrong in the plugin', exit: EXIT.cannotTell };
  const { code, status, reason, message, serverMessage } = error;
  if (!quiet && serverMessage) return { message: printable(serverMessage), exit: exitOf(error) };
  const text = WORDS[code] ?? `the server answered ${status ?? ''} ${reason ?? code}`.replace('  ', ' ');
  const detail = quiet || code === 'BadConfig' ? '' : ` (${printable(message)})`;
  return { message: code === 'BadConfig' ? printable(message) : text + detail, exit: exitOf(error) };
}

const WORDS: Readonly<Partial<Record<KubeError['code'], string>>> = {
  Unreachable: 'the API server cannot be reached',
  Timeout: 'the API server did not answer in time',
  Unauthorized: 'the API server does not know who you are: log in again',
  Forbidden: 'you are not allowed to do this',
  NotFound: 'it is not there',
  TooManyRequests: 'too many requests: try again in a moment',
};

/** What the server said about the thing is "not ok"; what keeps us from hearing about the thing is "cannot tell". */
function exitOf({ code }: KubeError): ExitCode {
  const about: readonly KubeError['code'][] = [
    'NotFound',
    'AlreadyExists',
    'Conflict',
    'Invalid',
    'BadRequest',
    'Gone',
  ];
  return about.includes(code) ? EXIT.notOk : EXIT.cannotTell;
}
