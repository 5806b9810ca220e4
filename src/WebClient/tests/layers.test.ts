import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|cts|cjs|svelte)$/.test(path))
  .map((path) => ({ path, imports: importsOf(readFileSync(join('src', path), 'utf8')) }));

function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map((found) => found[1]!);
}

it('lib knows no feature: it imports from itself alone', () => {
  const lib = sources.filter(({ path }) => path.startsWith('lib/'));
  expect(lib.length).toBeGreaterThan(20);
  const outside = lib.flatMap(({ path, imports }) =>
    imports.filter((name) => name.startsWith('.') && !join(dirname(path), name).startsWith('lib/')).map((name) => `${path}: ${name}`),
  );
  expect(outside).toEqual([]);
});

it('one file uses the MQTT library, by way of what lies beside it', () => {
  const users = sources.filter(({ imports }) => imports.some((name) => /^mqtt(\/|$)/.test(name))).map(({ path }) => path);
  expect(users.filter((path) => !path.startsWith('chat/link/lean/'))).toEqual(['chat/link/link.ts']);
  const besides = sources.filter(({ path, imports }) =>
    imports.some((name) => name.startsWith('.') && relative('chat/link/lean', join(dirname(path), name)).startsWith('mqtt')),
  );
  expect(besides.map(({ path }) => path)).toEqual(['chat/link/link.ts']);
});
