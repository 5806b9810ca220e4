import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../src/chat');

it('every list of what was said shows it without marks, and nothing that is hidden', () => {
  const lists = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.svelte'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/<SaidLine\b[^>]*?\s(?:text=\{([^}]*)\}|\{(text)\})/g)].map(([, given, snippet]) => given ?? (/shownAround\(/.test(text) && snippet)));
  expect(lists).toHaveLength(3);
  for (const shown of lists) expect(shown).toMatch(/^(shownOf\(|text$)/);
});
