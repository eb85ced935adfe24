import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http } from '../../hack/cluster/http.ts';
import { until } from '../../hack/cluster/wait.ts';
import { bench, type Bench } from './bench.ts';
import { notebookPod } from './notebook.ts';
import { getPod, logOf, podEnded } from './pods.ts';

let b: Bench;
let namespace: string;
beforeAll(async () => {
  b = await bench('notebook');
  namespace = await b.namespace();
});
afterAll(async () => b?.stop());

describe('the image of notebooks', () => {
  it('has the libraries of the Connect client and what JupyterHub starts', async () => {
    const modules = 'pandas, pyarrow, grpc, kubespawner, pyspark.sql.connect.session';
    const script = `jupyterhub-singleuser --version && python3 -c 'import ${modules}' && echo complete`;
    await notebookPod(b, { namespace, name: 'parts', command: ['bash', '-c', script] });
    const { status } = await podEnded(b, namespace, 'parts');
    expect(await logOf(b, namespace, 'parts')).toMatch(/^\d+\.\d+\.\d+.*\ncomplete\n$/s);
    expect(status.phase).toBe('Succeeded');
  });

  it('serves JupyterLab', async () => {
    const command = ['jupyter', 'lab', '--ip=0.0.0.0', '--no-browser', '--IdentityProvider.token=let-me-in'];
    await notebookPod(b, { namespace, name: 'lab', command });
    const options = { what: 'JupyterLab does not answer', timeoutMs: 300_000, intervalMs: 200 };
    const page = await until(options, async () => {
      const address = (await getPod(b, namespace, 'lab'))?.status.podIP as string | undefined;
      return address !== undefined && http(`http://${address}:8888/lab?token=let-me-in`);
    });
    expect(page.status).toBe(200);
    expect(page.text).toContain('<title>JupyterLab</title>');
  });
});
