/** Everything that can go wrong in this room, by a code that tests and callers can match on. */
export type ClusterErrorCode =
  | 'ABORTED' // the caller's AbortSignal
  | 'TIMEOUT' // a wait's deadline passed
  | 'COMPONENT_EXITED' // a component ended while it should run; the message has the tail of its log
  | 'COMMAND_FAILED' // a helper command (go, pip, ip, ctr, ...) ended with an error
  | 'TOOL_MISSING' // something has to be installed first; the message says what
  | 'NODE_IMPOSSIBLE' // node: true on a machine that cannot run one
  | 'NOT_RUNNING' // no cluster in that directory
  | 'UNKNOWN_COMPONENT'
  | 'UNSUPPORTED' // what a provider other than the local one cannot do
  | 'BAD_STATE' // files in the state directory that this version cannot read
  | 'HTTP'; // an unexpected answer of the API server or OpenBao

export class ClusterError extends Error {
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClusterError';
    this.code = code;
  }
}

export function isClusterError(error: unknown, code?: ClusterErrorCode): error is ClusterError {
  return error instanceof ClusterError && (code === undefined || error.code === code);
}
