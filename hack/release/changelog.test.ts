import { expect, it } from 'vitest';
import { released } from './changelog.ts';

const older = '## [0.1.0] - 2026-01-01\n\n### Added\n\n- Everything.\n';
const changelog = `# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- One thing.\n\n${older}`;

it('gives the version what stood under Unreleased, and leaves the rest', () => {
  const { changelog: text, notes } = released(changelog, '0.2.0', '2026-02-03');
  expect(text).toBe(
    `# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Fixed\n\n- One thing.\n\n${older}`,
  );
  expect(notes).toBe('### Fixed\n\n- One thing.\n');
});

it('works for the first release', () => {
  const { changelog: text } = released('## [Unreleased]\n\n- First.\n', '0.1.0', '2026-01-01');
  expect(text).toBe('## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n- First.\n');
});

it.each([
  ['nothing under it', `## [Unreleased]\n\n### Added\n\n${older}`, 'says nothing under Unreleased'],
  ['no such line', older, 'has no line ## [Unreleased]'],
  ['the version twice', `${changelog}\n## [0.2.0] - 2025-01-01\n`, 'has a part for 0.2.0 already'],
])('refuses %s', (_what, text, message) => {
  expect(() => released(text, '0.2.0', '2026-02-03')).toThrow(message);
});
