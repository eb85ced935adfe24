import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tar, tarStream } from './tar.ts';

describe('tar', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'fairlead-tar-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('is what the tar command unpacks: files of any size, modes, links and directories', () => {
    const odd = Buffer.alloc(513, 'x');
    writeFileSync(
      join(dir, 'a.tar'),
      tar([
        { path: 'bin', directory: true, mode: 0o700 },
        { path: 'bin/odd', data: odd, mode: 0o755 },
        { path: 'bin/block', data: Buffer.alloc(512, 'y') },
        { path: 'empty', data: Buffer.alloc(0) },
        { path: 'bin/link', linkTo: 'odd' },
      ]),
    );
    execFileSync('tar', ['-xpf', 'a.tar'], { cwd: dir });
    expect(readFileSync(join(dir, 'bin/odd'))).toEqual(odd);
    expect(statSync(join(dir, 'bin/odd')).mode & 0o777).toBe(0o755);
    expect(statSync(join(dir, 'bin')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(dir, 'bin/block'))).toHaveLength(512);
    expect(readFileSync(join(dir, 'empty'))).toHaveLength(0);
    expect(readlinkSync(join(dir, 'bin/link'))).toBe('odd');
  });

  it('has the same bytes for the same entries, so that an image keeps its digest', () => {
    const entries = [{ path: 'a', data: Buffer.from('1') }];
    expect(tar(entries)).toEqual(tar(entries));
  });

  it('refuses a path that its format cannot hold rather than cutting it', () => {
    expect(() => tar([{ path: 'p'.repeat(101), data: Buffer.alloc(0) }])).toThrow(/too long/);
  });

  it('is the same piece by piece, with a file of the disk in the place of its content', async () => {
    const [file, data] = [join(dir, 'file'), Buffer.alloc(3_000_001, 'z')];
    writeFileSync(file, data);
    const entries = [
      { path: 'bin', directory: true as const },
      { path: 'bin/link', linkTo: 'file' },
    ];
    const pieces: Uint8Array[] = [];
    const streamed = tarStream([...entries, { path: 'bin/file', file, size: data.length }]);
    for await (const piece of streamed) pieces.push(piece);
    const whole = tar([...entries, { path: 'bin/file', data }]);
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
  });
});
