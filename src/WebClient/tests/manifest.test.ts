import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routeOf } from '../src/routes/routes';

interface Icon {
  src: string;
  sizes: string;
  type: string;
  purpose?: string;
}

const folder = join(import.meta.dirname, '../public');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.webmanifest'), 'utf8')) as {
  id: string;
  scope: string;
  start_url: string;
  icons: Icon[];
  shortcuts: { name: string; url: string; icons: Icon[] }[];
};

/** A PNG says its width and height right behind its signature and the header's name. */
function size(name: string): string {
  const file = readFileSync(join(folder, name));
  return `${file.readUInt32BE(16)}x${file.readUInt32BE(20)}`;
}

describe('the manifest', () => {
  it('P19: has every icon that it names, of the size that it names, and one that may be cut round', () => {
    const icons = [...manifest.icons, ...manifest.shortcuts.flatMap((shortcut) => shortcut.icons)];
    for (const icon of icons) {
      expect(existsSync(join(folder, icon.src)), icon.src).toBe(true);
      if (icon.type === 'image/png') expect(size(icon.src), icon.src).toBe(icon.sizes);
    }
    expect(manifest.icons.map((icon) => `${icon.sizes} ${icon.purpose}`)).toEqual(
      expect.arrayContaining(['192x192 any', '512x512 any', '512x512 maskable']),
    );
    expect(size('apple-touch-icon.png')).toBe('180x180');
  });

  it('P19: leads nowhere but to pages that there are, in whichever folder of the host', () => {
    expect([manifest.id, manifest.scope, manifest.start_url]).toEqual(['./', './', './']);
    expect(manifest.shortcuts.map((shortcut) => routeOf(`/${shortcut.url}`).page)).toEqual(['room', 'directory', 'whispers']);
  });
});
