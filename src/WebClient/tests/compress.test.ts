import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compressFolder } from '../build/compress';

const text = 'export const lobby = "lobby";\n'.repeat(200);

describe('what the build lays beside its files', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'webmessenger-compress-'));
    mkdirSync(join(folder, 'assets'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('P18: a text gets a brotli and a gzip copy with the same content', () => {
    writeFileSync(join(folder, 'assets/a.js'), text);

    compressFolder(folder);

    expect(readdirSync(join(folder, 'assets')).sort()).toEqual(['a.js', 'a.js.br', 'a.js.gz']);
    const [brotli, gzip] = [readFileSync(join(folder, 'assets/a.js.br')), readFileSync(join(folder, 'assets/a.js.gz'))];
    expect(brotliDecompressSync(brotli).toString()).toBe(text);
    expect(gunzipSync(gzip).toString()).toBe(text);
    expect(Math.max(brotli.length, gzip.length)).toBeLessThan(text.length / 10);
  });

  test('P18: pictures, the start page and what would not get smaller have no copy', () => {
    writeFileSync(join(folder, 'icon.png'), text);
    writeFileSync(join(folder, 'index.html'), text);
    writeFileSync(join(folder, 'a.json'), '1');

    compressFolder(folder);

    expect(readdirSync(folder).sort()).toEqual(['a.json', 'assets', 'icon.png', 'index.html']);
  });

  test('P18: done again, the copies themselves are not compressed', () => {
    writeFileSync(join(folder, 'a.css'), text);

    compressFolder(folder);
    compressFolder(folder);

    expect(readdirSync(folder).sort()).toEqual(['a.css', 'a.css.br', 'a.css.gz', 'assets']);
  });
});
