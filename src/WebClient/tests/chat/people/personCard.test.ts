import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import { IgnoredPeople } from '../../../src/chat/people/ignored.svelte';
import PersonCard from '../../../src/chat/people/PersonCard.svelte';

/** What stands below the name. */
function tagsOf(author: { user: string; kind: 'person' | 'guest' | 'bot' }): string[] {
  vi.stubGlobal('fetch', () => new Promise(() => undefined));
  const props = { author: { ...author, name: 'Béa' }, room: null, ignored: new IgnoredPeople(() => undefined), me: 'ana', onclose: () => undefined };
  const { body } = render(PersonCard, { props });
  vi.unstubAllGlobals();
  return [...body.matchAll(/class="tag(?: [^"]*)?">([^<]*)</g)].map((found) => found[1]!);
}

it('is the person’s where their shell spoke, a bot’s where a hook or a rule did', () => {
  expect(tagsOf({ user: 'bea', kind: 'person' })).toEqual(['Person']);
  expect(tagsOf({ user: 'bea', kind: 'bot' })).toEqual(['Person', 'through a bot']);
  expect(tagsOf({ user: 'hook-grafana', kind: 'bot' })).toEqual(['Bot']);
  expect(tagsOf({ user: 'rule-frost', kind: 'bot' })).toEqual(['Bot']);
  expect(tagsOf({ user: 'gia', kind: 'guest' })).toEqual(['Guest']);
});
