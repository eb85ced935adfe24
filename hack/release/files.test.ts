import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../image/inputs.ts';
import { releaseFiles, versions } from './files.ts';

it('the version is the same wherever it stands', () => {
  expect(new Set(versions()).size).toBe(1);
});

it('a release changes it everywhere, and nothing else', () => {
  const now = (file: string) => readFileSync(join(ROOT, file), 'utf8');
  const withNotes = (file: string) =>
    file === 'CHANGELOG.md' ? '# Changelog\n\n## [Unreleased]\n\n- News.\n' : now(file);
  const { files, notes } = releaseFiles('12.3.4', '2026-02-03', withNotes);
  expect(notes).toBe('- News.\n');
  expect([...files.keys()].sort()).toEqual([
    'CHANGELOG.md',
    'charts/fairlead/Chart.yaml',
    'package-lock.json',
    'package.json',
  ]);
  expect(versions((file) => files.get(file) ?? now(file))).toEqual(Array(5).fill('12.3.4'));
  const changed = [...files].flatMap(([file, text]) => {
    const before = withNotes(file).split('\n');
    return file === 'CHANGELOG.md' ? [] : text.split('\n').filter((line, i) => line !== before[i]);
  });
  expect(changed.map((line) => line.trim())).toEqual([
    '"version": "12.3.4",',
    '"version": "12.3.4",',
    '"version": "12.3.4",',
    'version: 12.3.4',
    'appVersion: 12.3.4',
  ]);
});
