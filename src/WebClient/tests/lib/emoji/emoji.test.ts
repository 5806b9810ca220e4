import { readFileSync } from 'node:fs';
import en from 'emojibase-data/en/compact.json';
import names from 'emojibase-data/en/shortcodes/github.json';
import pt from 'emojibase-data/pt/compact.json';
import { expect, it, vi } from 'vitest';
import { emojiFor } from '../../../src/chat/compose/completing';
import { emojiIn, tableOf } from '../../../src/lib/emoji/emoji';
const first = (table: ReturnType<typeof tableOf>, query: string) => emojiFor(query, table).map((option) => option.name);

it('emoji are found by their names, and by the words of the reader’s language', () => {
  const [english, portuguese] = [tableOf(names, en), tableOf(names, pt)];
  expect(english.length).toBeGreaterThan(1_500);
  expect(first(english, 'heart')[0]).toBe('❤️');
  expect(first(english, 'hear')[0]).toBe('❤️');
  expect(first(english, '+1')).toContain('👍');
  expect(first(english, 'rocket')[0]).toBe('🚀');
  expect(first(portuguese, 'rocket')[0]).toBe('🚀');
  expect(first(portuguese, 'foguete')).toContain('🚀');
  expect(first(portuguese, 'CORAÇÃO').length).toBe(8);
  expect(emojiFor('rocket', english)[0]!.beside).toBe(':rocket:');
});

it('offers each emoji as the server takes it for a reaction, in both languages', async () => {
  const taken = new Set(readFileSync('../Broker/Events/Emoji/rgi.txt', 'utf8').split('\n'));
  for (const language of ['en', 'pt-BR'] as const) {
    const part = emojiIn(language);
    part.want();
    await vi.waitFor(() => expect(part.loaded).not.toBeNull());
    expect(part.loaded!.length).toBeGreaterThan(1_800);
    expect(part.loaded!.filter(({ emoji }) => !taken.has(emoji)).map(({ name }) => name)).toEqual([]);
    expect(part.loaded!.filter(({ group, label }) => group === null || label === '')).toEqual([]);
  }
});
