import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..', '..');
const read = <T>(file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as T;

interface LockedPackage {
  integrity?: string;
  resolved?: string;
  hasInstallScript?: boolean;
}

const { packages } = read<{ packages: Record<string, LockedPackage> }>('package-lock.json');
const installed = Object.entries(packages).filter(([path]) => path !== '');
const { allowScripts } = read<{ allowScripts: Record<string, boolean> }>('package.json');

describe('what is installed', () => {
  it('is pinned by its SHA-512, and comes from the registry', () => {
    expect(installed.length).toBeGreaterThan(500);
    const loose = installed.filter(([, { integrity, resolved }]) => {
      const elsewhere = resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/');
      return elsewhere || !integrity?.startsWith('sha512-');
    });
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it('runs no script that nobody has decided about', () => {
    const withScript = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = withScript.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect([...new Set(names)].sort()).toEqual(Object.keys(allowScripts).sort());
    expect(Object.entries(allowScripts).filter(([, allowed]) => allowed)).toEqual([['bcrypt', true]]);
  });
});
