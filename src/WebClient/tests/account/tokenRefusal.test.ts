import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import TokenRefusal, { type Refusal } from '../../src/account/TokenRefusal.svelte';
import { enAccount as en } from '../../src/i18n/enAccount';
import { ptBRAccount as ptBR } from '../../src/i18n/ptBRAccount';

const refusal: Refusal = { at: new Date().toISOString(), client: 'sensor', code: 'not_allowed', reason: 'There is no such room.', topic: 'rooms/<b>nowhere</b>' };
const shown = (some: Partial<Refusal>) => render(TokenRefusal, { props: { refusal: { ...refusal, ...some } } }).body;

it('Q22: a token says in the reader’s language why its client was refused last, and where', () => {
  const said = shown({});
  expect([en, ptBR].some((words) => said.includes(words['tokens.refused.not_allowed']))).toBe(true);
  expect(said).not.toContain(refusal.reason);
  expect(said).toContain('sensor');
});

it('Q22: what the client sent is text, and what has no words here is said in the server’s', () => {
  const said = shown({ code: 'bad_command', reason: '"id" must be a string.' });
  expect(said).toContain('"id" must be a string.');
  expect(said).toContain('rooms/&lt;b>nowhere');
  expect(said).not.toContain('<b>');
});

it.each(['quota', 'bad_command'] as const)('C1: %s has words in the reader’s language', (code) => {
  const said = shown({ code, reason: 'in English' });
  expect([en, ptBR].some((words) => said.includes(words[`tokens.refused.${code}`].replace('{reason}', 'in English')))).toBe(true);
});
