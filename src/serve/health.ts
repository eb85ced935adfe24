import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen, type Address, type Listening } from './lifecycle.ts';

/** A named question with a quick answer from memory: undefined if all is well, else why not. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => string | undefined;
}

export interface HealthOptions extends Address {
  /** Fails only if a restart would help. Default: alive as long as it answers. */
  readonly live?: readonly HealthCheck[];
  readonly ready: readonly HealthCheck[];
  /** The metrics as text. */
  readonly metrics: () => Promise<string>;
  readonly metricsContentType?: string;
}

export interface HealthListening extends Listening {
  /** From now on not ready, so that Kubernetes sends no more work; the first step of a shutdown. */
  readonly notReady: () => void;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Plain HTTP for the kubelet and Prometheus: /livez (also as /healthz) and /readyz, both with ?verbose, which prints
 * each check and why it fails, and /metrics. Rejects if the address is taken.
 */
export async function startHealth(options: HealthOptions): Promise<HealthListening> {
  let shuttingDown = false;
  const shutdown: HealthCheck = {
    name: 'shutdown',
    check: () => (shuttingDown ? 'the process is shutting down' : undefined),
  };
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      // One request a connection: probes and scrapes are rare, and a shutdown need not wait for them.
      response.shouldKeepAlive = false;
      void answer(request, response, { ...options, ready: [...options.ready, shutdown] });
    },
  );
  const listening = await listen(server, options);
  return {
    ...listening,
    notReady: () => {
      shuttingDown = true;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HealthOptions,
): Promise<void> {
  const [path, query = ''] = request.url?.split('?', 2) ?? [];
  const verbose = new URLSearchParams(query).has('verbose');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return send(response, 405, 'only GET is served here\n');
  }
  switch (path) {
    case '/livez':
    case '/healthz':
      return report(response, options.live ?? [], verbose);
    case '/readyz':
      return report(response, options.ready, verbose);
    case '/metrics':
      try {
        return send(response, 200, await options.metrics(), options.metricsContentType ?? METRICS);
      } catch {
        return send(response, 500, 'the metrics cannot be collected\n');
      }
    default:
      return send(response, 404, 'not found\n');
  }
}

function report(response: ServerResponse, checks: readonly HealthCheck[], verbose: boolean): void {
  const results = checks.map(({ name, check }) => ({ name, problem: outcome(check) }));
  const failed = results.filter(({ problem }) => problem !== undefined);
  const lines = verbose
    ? results.map(({ name, problem }) =>
        problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
      )
    : failed.map(({ name }) => `[-]${name} failed`);
  send(
    response,
    failed.length === 0 ? 200 : 503,
    [...lines, failed.length === 0 ? 'ok' : 'failed', ''].join('\n'),
  );
}

/** A check that throws has failed; what it threw is nobody's business here. */
function outcome(check: HealthCheck['check']): string | undefined {
  try {
    return check();
  } catch {
    return 'the check itself failed';
  }
}

function send(response: ServerResponse, status: number, text: string, contentType = TEXT): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
