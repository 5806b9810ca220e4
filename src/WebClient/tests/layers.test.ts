import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The folders of the page's sources, from the bottom up: each knows those above it in this list and no others. So there are no circles between them either. */
const layers = [
  'lib',
  'i18n',
  'ui',
  'chat/model',
  'routes',
  'store',
  'session',
  'account',
  'chat/link',
  'chat/people',
  'chat/host',
  'chat/compose',
  'chat/inbox',
  'chat/room',
  'chat/talk',
  'chat/rooms',
  'chat/search',
  'chat/mentions',
  'chat/saved',
  'chat/devices',
  'chat/alerts',
  'chat/palette',
  'chat',
  'app',
  'sw',
];

interface Source {
  path: string;
  imports: string[];
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|cts|cjs|svelte)$/.test(path))
  .map((path): Source => ({ path: path.replaceAll(sep, '/'), imports: importsOf(readFileSync(join('src', path), 'utf8')) }));

/** Of every kind: of values and of types alone, for their effect, when they are wanted, and what is passed on. */
function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map((found) => found[1]!);
}

/** The innermost folder of the list that a path below `src` lies in. */
function layerOf(path: string): string | undefined {
  return layers.filter((layer) => `${path}/`.startsWith(`${layer}/`)).sort((one, other) => other.length - one.length)[0];
}

/** What a file imports of this page, as paths below `src`. */
function ownImports({ path, imports }: Source): string[] {
  return imports.filter((name) => name.startsWith('.')).map((name) => join(dirname(path), name).replaceAll(sep, '/'));
}

function wrongImports(given: readonly Source[]): string[] {
  const isWrong = (from: string, to: string) => {
    const [own, other] = [layerOf(from), layerOf(to)];
    return own === undefined || other === undefined || layers.indexOf(other) > layers.indexOf(own);
  };
  return given.flatMap((source) => ownImports(source).filter((to) => isWrong(source.path, to)).map((to) => `${source.path}: ${to}`));
}

describe('The layers of the page', () => {
  it('are seen: imports of every kind, wherever they lead', () => {
    const source = `
      import './a';
      import { b } from '../b/b';
      import type { C } from '../c.svelte';
      import D, {
        type E,
      } from "./D.svelte";
      export { f } from './f';
      const g = await import('./g');
      const h = require('h/h');
      type I = import('../i').I;`;
    expect(importsOf(source)).toEqual(['./a', '../b/b', '../c.svelte', './D.svelte', './f', './g', 'h/h', '../i']);
    expect(sources.flatMap(ownImports).length).toBeGreaterThan(400);
    expect(ownImports(sources.find(({ path }) => path === 'app/main.ts')!)).toContain('app/App.svelte');
    const upwards = wrongImports([
      { path: 'ui/Avatar.svelte', imports: ['../chat/model/protocol', '../lib/kind'] },
      { path: 'chat/rooms/Star.svelte', imports: ['../chat.svelte', '..', '../room/room.svelte', 'svelte'] },
      { path: 'chat/chat.svelte.ts', imports: ['./rooms/readings.svelte', '../account/Tokens.svelte'] },
      { path: 'app/parts.ts', imports: ['../chat', '../elsewhere/a', '../sw/routing'] },
      { path: 'lib/http.ts', imports: ['./base', '../i18n/en'] },
    ]);
    expect(upwards).toEqual([
      'ui/Avatar.svelte: chat/model/protocol',
      'chat/rooms/Star.svelte: chat/chat.svelte',
      'chat/rooms/Star.svelte: chat',
      'app/parts.ts: elsewhere/a',
      'app/parts.ts: sw/routing',
      'lib/http.ts: i18n/en',
    ]);
  });

  it('are all of the folders, and all of them are there', () => {
    expect(sources.map(({ path }) => path).filter((path) => layerOf(path) === undefined)).toEqual([]);
    expect(layers.filter((layer) => !existsSync(join('src', layer)))).toEqual([]);
  });

  it('know what lies below them and nothing else', () => {
    expect(wrongImports(sources)).toEqual([]);
  });
});

it('one file uses the MQTT library, by way of what lies beside it', () => {
  const users = sources.filter(({ imports }) => imports.some((name) => /^mqtt(\/|$)/.test(name))).map(({ path }) => path);
  expect(users.filter((path) => !path.startsWith('chat/link/lean/'))).toEqual(['chat/link/link.ts']);
  const besides = sources.filter((source) => ownImports(source).some((path) => relative('chat/link/lean', path).startsWith('mqtt')));
  expect(besides.map(({ path }) => path)).toEqual(['chat/link/link.ts']);
});

it('no source is longer than 400 lines, but for the catalogues: a reader finds one thing in a file', () => {
  const long = sources.filter(({ path }) => readFileSync(join('src', path), 'utf8').split('\n').length > 401).map(({ path }) => path);
  expect(long.filter((path) => !/^i18n\/(en|ptBR)\.ts$/.test(path))).toEqual([]);
});
