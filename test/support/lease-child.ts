/**
 * One replica for test/cluster/kube-lease.test.ts: `node lease-child.ts KUBECONFIG NAMESPACE IDENTITY
 * LEASE-SECONDS`. While it leads, it writes its identity into a ConfigMap, as fast as it can. SIGTERM stops it in good order.
 */
import { connect } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { runAsLeader } from '../../src/kube/lease.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const [kubeconfig = '', namespace = '', identity = '', seconds = '5'] = process.argv.slice(2);
const configMaps = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
const client = connect({ userAgent: `lease-child/${identity}`, kubeconfig });
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const say = (what: string) => process.stdout.write(`${what}\n`);

try {
  await runAsLeader(
    {
      client,
      clock: systemClock,
      namespace,
      name: 'lease',
      identity,
      leaseDurationMs: Number(seconds) * 1000,
      renewDeadlineMs: Number(seconds) * 700,
      retryPeriodMs: 300,
      onLeader: ({ holder, self }) => void (self || say(`follows ${holder}`)),
      onStarted: async (signal, stillLeader) => {
        say('leads');
        const fenced = client.fenced(stillLeader);
        for (let count = 0; !signal.aborted; count += 1) {
          const data = { worker: identity, count: String(count) };
          await fenced.patch(configMaps, { namespace, name: 'work' }, { data }, { type: 'merge' });
        }
      },
    },
    stop.signal,
  );
  say('stopped');
} catch (error) {
  say(`failed ${error instanceof KubeError ? error.code : String(error)}`);
  process.exitCode = 3;
}
await client.close();
