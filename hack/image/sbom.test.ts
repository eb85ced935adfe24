import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './inputs.ts';
import { sbom, type Bom } from './sbom.ts';

interface Locked {
  readonly version?: string;
  readonly license?: string | object[];
  readonly dev?: boolean;
  readonly link?: boolean;
}
const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};
/** `name version license`, from the lock file itself. */
const locked = Object.entries(lock.packages)
  .filter(([path, { dev = false, link = false }]) => path.startsWith('node_modules/') && !dev && !link)
  .map(([path, { version, license }]) => {
    // The one whose licences are a list: either of the two.
    const licences = typeof license === 'string' ? license : 'LicenseRef-Public-Domain OR MIT';
    return `${path.replace(/^.*node_modules\//, '')} ${version} ${licences}`;
  });

let first: Bom;
let second: Bom;
beforeAll(async () => {
  first = await sbom();
  second = await sbom();
}, 120_000);

describe('the bill of materials', () => {
  it('lists exactly the production dependencies of the lock file, with versions and licences', () => {
    const { bomFormat, components } = first;
    expect(bomFormat).toBe('CycloneDX');
    const listed = components.map(({ name, version, licenses }) => {
      const [first] = licenses ?? [];
      return `${name} ${version} ${first?.license?.id ?? first?.license?.name ?? first?.expression}`;
    });
    expect(locked.length).toBeGreaterThan(50);
    expect(listed.sort()).toEqual([...new Set(locked)].sort());
    expect(listed.filter((line) => line.endsWith('undefined'))).toEqual([]);
  });

  it('knows of no axios, and refers to nothing that it does not list', () => {
    const { metadata, components, dependencies } = first;
    expect(JSON.stringify(components)).not.toMatch(/axios/);
    const known = new Set([metadata.component, ...components].map((component) => component['bom-ref']));
    for (const { ref, dependsOn = [] } of dependencies)
      for (const one of [ref, ...dependsOn]) expect(known).toContain(one);
  });

  it('is about Fairlead, and the same each time', () => {
    expect(first.metadata.component).toMatchObject({ name: 'fairlead', type: 'application' });
    expect(first).toEqual(second);
    expect(first.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});
