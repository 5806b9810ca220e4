import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from '../../src/i18n/en';
import { ptBR } from '../../src/i18n/ptBR';

const src = join(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(svelte|ts)$/.test(name) && !/i18n.(en|ptBR)\.ts$/.test(name));
const sources = files.map((name) => ({ name, text: readFileSync(join(src, name), 'utf8') }));
const all = sources.map((source) => source.text).join('\n');
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

/** Keys made at run time: the prefix stands in a template literal, as in `theme.${name}`. */
const prefixes = [...all.matchAll(/`([a-zA-Z.]+[.a-z])\$\{/g)].map((match) => match[1]!);
const isUsed = (key: string) => {
  const stem = key.replace(/\.(one|other)$/, '');
  return all.includes(`'${key}'`) || all.includes(`'${stem}'`) || prefixes.some((prefix) => key.startsWith(prefix));
};

describe('catalogues', () => {
  it('have the same keys', () => {
    expect(Object.keys(ptBR).sort()).toEqual(Object.keys(en).sort());
  });

  it('have the same placeholders in every text', () => {
    for (const key of Object.keys(en) as (keyof typeof en)[]) expect(placeholders(ptBR[key]), key).toEqual(placeholders(en[key]));
  });

  it('have no empty text', () => {
    for (const catalogue of [en, ptBR]) for (const [key, text] of Object.entries(catalogue)) expect(text.trim(), key).not.toBe('');
  });

  it('have no key that nothing uses', () => {
    expect(Object.keys(en).filter((key) => !isUsed(key))).toEqual([]);
  });

  it('hold every text of the components', () => {
    const bare = sources
      .filter((source) => source.name.endsWith('.svelte'))
      .flatMap((source) => {
        const markup = source.text.replace(/<(script|style)[\s\S]*?<\/\1>/g, '').replace(/<!--[\s\S]*?-->/g, '');
        const literal = [...markup.matchAll(/\b(?:aria-label|placeholder|title|alt)="([^"{]+)"/g)].map((match) => match[1]);
        const text = [...markup.replace(/=>/g, '').matchAll(/>([^<>{}]*\p{L}{2,}[^<>{}]*)</gu)].map((match) => match[1]);
        return [...literal, ...text].map((found) => `${source.name}: ${found}`);
      });
    expect(bare).toEqual([]);
  });
});
