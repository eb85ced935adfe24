import { checkProcess, ConfigError, parseConfig, type Config } from './config.ts';
import { logger, type Logger } from './observe/log.ts';
import { metrics as makeMetrics, type Metrics } from './observe/metrics.ts';
import { tracing } from './observe/start-tracing.ts';
import type { Tracing } from './observe/tracing.ts';
import { address, type Role } from './roles/role.ts';
import { systemClock } from './runtime/clock.ts';
import { startHealth } from './serve/health.ts';

/**
 * Exit codes: 0 stopped in order, 1 cannot go on (a supervisor starts it again), 2 wrong configuration. The command
 * `audit` has its own, see there.
 */
const FAILED = 1;
const MISCONFIGURED = 2;
/** The chart gives 30 s after the signal, which is what Kubernetes gives by itself. */
const STOP_MS = 25_000;

async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2);
  if (command === 'audit') {
    process.exitCode = (await import('./audit/command.ts')).auditCommand(args, process.stdout);
    return;
  }
  const config = configured();
  const root = logger({ level: config.logLevel });
  const log = root.child({ role: config.role });
  process.on('SIGUSR2', () => {
    const to = root.level === 'debug' ? config.logLevel : 'debug';
    // While warnings are seen, whichever way it goes.
    root.level = 'debug';
    log.warn({ to }, 'the log level was changed');
    root.level = to;
  });
  const metrics = makeMetrics();
  metrics.is(config.role);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort(name));

  const { tracesEndpoint: endpoint, tracesRatio: ratio, identity: instance } = config;
  const traces = await tracing({ endpoint, ratio, role: config.role, instance, log });
  const role = await roleOf(config, log, metrics, traces);
  const health = await startHealth({
    ...address(config.healthAddress),
    live: role.live,
    ready: role.ready,
    metrics: async () => (await metrics.text()).body,
  });
  log.info({ health: health.port, pid: process.pid }, 'fairlead starts');
  stop.signal.addEventListener('abort', () => {
    // Readiness goes first, so that nothing new is sent here while what is under way ends.
    health.notReady();
    log.info({ signal: String(stop.signal.reason) }, 'stopping');
    setTimeout(() => process.exit(FAILED), STOP_MS).unref();
  });
  try {
    await role.run(stop.signal);
    log.info({}, 'stopped');
  } catch (error) {
    log.error({ err: error }, 'cannot go on');
    process.exitCode = FAILED;
  }
  await traces.stop();
  await health.stop(1_000);
  // What is still under way belongs to somebody else by now, or is not worth waiting for.
  process.exit();
}

function configured(): Config {
  try {
    checkProcess(process.env, process.execArgv);
    return parseConfig(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`fairlead: ${error.message}\n`);
    process.exit(MISCONFIGURED);
  }
}

/** Loads just what the role needs: the client for the API server alone takes more memory than admission. */
async function roleOf(config: Config, log: Logger, metrics: Metrics, traces: Tracing): Promise<Role> {
  switch (config.role) {
    case 'admission':
      return (await import('./roles/admission.ts')).admissionRole(config, log, systemClock, metrics, traces);
    case 'certificates':
      return (await import('./roles/certificates.ts')).certificatesRole(config, log, systemClock, metrics);
    case 'keys':
      return (await import('./roles/keys.ts')).keysRole(config, log, systemClock, metrics);
    case 'controller':
      return (await import('./roles/controller.ts')).controllerRole(
        config,
        log,
        systemClock,
        metrics,
        traces,
      );
  }
}

await main();
