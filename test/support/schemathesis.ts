import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run } from '../../hack/cluster/exec.ts';
import { ensurePythonPackages, python } from '../../hack/cluster/python-tool.ts';
import { cacheDir, TOOLS_DIR } from '../../hack/cluster/tools.ts';

const WHAT = 'schemathesis (70 MB)';
const REQUIREMENTS = join(TOOLS_DIR, 'fuzz-requirements.txt');
/** By name: a path would be loaded, and its hooks called, several times. */
const HOOKS = 'schemathesis_hooks';
const HERE = new URL('.', import.meta.url).pathname;
const TIMEOUT_MS = 8 * 60_000;

export interface Fuzz {
  /** Of the API server. */
  readonly server: string;
  /** A file. */
  readonly ca: string;
  readonly token: string;
  /** The OpenAPI document, as it is served. */
  readonly document: string;
  readonly dir: string;
  readonly seed: number;
  /** For each operation. */
  readonly examples: number;
  /** What schemathesis_hooks.py puts into requests. */
  readonly parts: Readonly<Record<string, string | number>>;
}

export interface Exchange {
  readonly method: string;
  /** The path of the document. */
  readonly operation: string;
  readonly url: string;
  readonly status: number;
  readonly sent: string;
  readonly answer: string;
}

export interface Fuzzed {
  /** Every check held. */
  readonly ok: boolean;
  /** What schemathesis says. */
  readonly report: string;
  readonly exchanges: readonly Exchange[];
}

/** Where schemathesis is; installed if it is not. Needs Python 3.10 or later, with pip. */
export async function ensureSchemathesis(): Promise<string> {
  // Some wheels are of one Python.
  const version = 'import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_platform())';
  const key = createHash('sha256')
    .update(readFileSync(REQUIREMENTS))
    .update(await run(python(WHAT), ['-c', version]))
    .digest('hex')
    .slice(0, 12);
  const target = join(cacheDir(), `schemathesis-${key}`);
  const proof = join(target, 'schemathesis', '__init__.py');
  await ensurePythonPackages({ what: WHAT, requirements: REQUIREMENTS, target, proof });
  return target;
}

/** Tries what the document says with made-up requests, one after another; the same ones for the same seed. */
export async function fuzz({
  server,
  ca,
  token,
  document,
  dir,
  seed,
  examples,
  parts,
}: Fuzz): Promise<Fuzzed> {
  const packages = await ensureSchemathesis();
  const file = join(dir, 'openapi.json');
  const log = join(dir, 'exchanges.jsonl');
  const config = join(dir, 'schemathesis.toml');
  await writeFile(file, document);
  await writeFile(log, '');
  await writeFile(config, '');
  const args = [
    ...['-m', 'schemathesis.cli', '--config-file', config, 'run', file, '--url', server, '--tls-verify', ca],
    ...['--phases', 'examples,coverage,fuzzing', '--checks', CHECKS.join(','), '--workers', '1'],
    ...['--seed', String(seed), '--max-examples', String(examples), '--no-shrink', '--continue-on-failure'],
    ...['--generation-database', 'none', '--request-timeout', '40', '--warnings', 'off', '--no-color'],
    ...['--header', `Authorization: Bearer ${token}`],
  ];
  const { PATH, HOME } = process.env;
  const env = {
    ...{
      PATH,
      HOME,
      PYTHONPATH: [packages, HERE].join(delimiter),
      PYTHONHASHSEED: '0',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    ...{ SCHEMATHESIS_HOOKS: HOOKS, FUZZ: JSON.stringify({ ...parts, log }) },
  };
  const { ok, report } = await new Promise<Pick<Fuzzed, 'ok' | 'report'>>((resolve) => {
    const options = { env, cwd: dir, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(python(WHAT), args, options, (error, stdout, stderr) =>
      resolve({ ok: error === null, report: stdout + stderr }),
    );
  });
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
  return { ok, report, exchanges: lines.map((line) => JSON.parse(line) as Exchange) };
}

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
];
