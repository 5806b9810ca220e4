import { render } from 'svelte/server';
import { expect, it } from 'vitest';
import type { ListedRoom } from '../../../src/chat/rooms/directoryList.svelte';
import DirectoryCard from '../../../src/chat/rooms/DirectoryCard.svelte';

it('asks no guest to come into a room that he was in, and where guests do not come in any more', () => {
  const drawn = (kind: 'guest' | 'person') => {
    const room = { id: 'pub', title: 'The pub', topic: '', visibility: 'public', member: true, mine: false, role: 'member', people: 3, active: null, rules: { guests: 'none' } } as unknown as ListedRoom;
    return render(DirectoryCard, { props: { room, kind, online: true, ontag() {}, onpeek() {} } }).body;
  };
  expect(drawn('person')).toContain('You are in it');
  expect(drawn('person')).toContain('Come in');
  expect(drawn('guest')).toContain('Not for guests');
  expect(drawn('guest')).not.toMatch(/You are in it|Come in/);
});
