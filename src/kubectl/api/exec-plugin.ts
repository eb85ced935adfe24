import { spawn } from 'node:child_process';
import { KubeError } from '../../kube/errors.ts';
import { caOf } from './files.ts';
import type { Cluster, Exec } from './kubeconfig-shape.ts';

/** What an exec plugin gives: a token, a client certificate, or both. */
export interface ExecCredential {
  readonly token?: string | undefined;
  readonly clientCertificateData?: string | undefined;
  readonly clientKeyData?: string | undefined;
}

const MAX_OUTPUT = 1_048_576;
const API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/**
 * Runs the credential plugin of a kubeconfig as kubectl does. What it says to people goes to the terminal. It is given
 * standard input only if that is a terminal: what is piped in is for us (`set`). Rejects with KubeError BadConfig.
 */
export async function execCredential(
  exec: Exec,
  cluster: Cluster,
  terminal: boolean,
): Promise<ExecCredential> {
  if (!API_VERSIONS.includes(exec.apiVersion))
    throw bad('the exec plugin of the kubeconfig has an unknown apiVersion');
  const interactive = terminal && exec.interactiveMode !== 'Never';
  if (exec.interactiveMode === 'Always' && !interactive)
    throw bad('the exec plugin of the kubeconfig needs a terminal on standard input');
  const output = await run(exec, interactive, info(exec, cluster, interactive));
  return understood(output);
}

function info(exec: Exec, cluster: Cluster, interactive: boolean): string {
  const about = {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'],
    'certificate-authority-data': caOf(cluster)?.toString('base64'),
    'proxy-url': cluster['proxy-url'],
  };
  const spec = { interactive, ...(exec.provideClusterInfo && { cluster: about }) };
  return JSON.stringify({ kind: 'ExecCredential', apiVersion: exec.apiVersion, spec });
}

async function run(exec: Exec, interactive: boolean, execInfo: string): Promise<string> {
  const own = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  return new Promise((done, fail) => {
    const child = spawn(exec.command, exec.args ?? [], {
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...own, KUBERNETES_EXEC_INFO: execInfo },
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, MAX_OUTPUT);
    });
    child.on('error', () => fail(bad(`the exec plugin of the kubeconfig cannot be run${hint(exec)}`)));
    child.on('close', (code) =>
      code === 0
        ? done(output)
        : fail(bad(`the exec plugin of the kubeconfig failed with code ${code ?? 'none'}`)),
    );
  });
}

/** The kubeconfig's author says there how to get the plugin; it is not from the plugin. */
function hint({ installHint }: Exec): string {
  return installHint ? `: ${installHint}` : '';
}

function understood(output: string): ExecCredential {
  let status: ExecCredential | undefined;
  try {
    ({ status } = JSON.parse(output) as { status?: ExecCredential });
  } catch {
    // V8's message quotes what it was given, and that is a token.
  }
  if (!status?.token && !status?.clientCertificateData)
    throw bad('the exec plugin of the kubeconfig gave no credential');
  return status;
}

function bad(message: string): KubeError {
  return new KubeError({ code: 'BadConfig', message });
}
