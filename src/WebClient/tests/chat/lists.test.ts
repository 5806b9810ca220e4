import { afterEach, expect, it, vi } from 'vitest';
import { Lists } from '../../src/chat/lists';
import { Mentions } from '../../src/chat/mentions/mentions.svelte';
import { readEvent } from '../../src/chat/model/protocol';
import { Saved } from '../../src/chat/saved/saved.svelte';
import { SearchState } from '../../src/chat/search/search.svelte';

const looking: (() => void)[] = [];
const canary = 'the canary sings';
const base = { v: 1, epoch: 'e', id: 'i', at: '2026-11-23T07:00:00.000Z', from: { user: 'bea', name: 'Béa', kind: 'person' } };
const message = { ...base, type: 'message', room: 'lobby', seq: 42, text: canary };

function change(type: string, more: object = {}) {
  return readEvent({ ...base, type, room: 'lobby', seq: 50, of: 42, ...more })!;
}

async function lists() {
  vi.stubGlobal('fetch', async (path: string) => {
    if (path.startsWith('/api/search')) return Response.json({ hits: [{ ...message, found: [[4, 6]] }, { ...message, room: 'den', found: [] }] });
    if (path.startsWith('/api/saved')) return Response.json({ saved: [{ room: 'lobby', seq: 42, savedAt: base.at, event: message }, { room: 'den', seq: 42, savedAt: base.at, event: { ...message, room: 'den' } }] });
    return Response.json({ epoch: 'n', head: 2, first: 1, events: [{ ...base, type: 'mention', seq: 1, of: 42, room: 'lobby', excerpt: canary }, { ...base, type: 'reply', seq: 2, of: 42, room: 'den', excerpt: canary }] });
  });
  const [search, saved, mentions] = [new SearchState(), new Saved(), new Mentions({ me: 'ana', positionIn: () => 0, called() {} })];
  search.text = 'canary';
  looking.push(search.look(), saved.look());
  await Promise.all([search.search('lobby'), saved.read(), mentions.readNewest()]);
  return { all: [search, saved, mentions] as const, shown: () => [search.hits.map(({ event, found }) => [event.text, found.length]), saved.list.map(({ event }) => event?.text), mentions.list.map(({ excerpt }) => excerpt)] };
}

afterEach(() => vi.unstubAllGlobals());

it('what was found, saved or named the reader follows an edit, in its own room alone', async () => {
  const { all, shown } = await lists();
  expect(shown()).toEqual([[[canary, 1], [canary, 0]], [canary, canary], [canary, canary]]);
  for (const list of all) list.follow('rooms/lobby', change('edit', { of: 41, text: 'another' }));
  expect(shown()).toEqual([[[canary, 1], [canary, 0]], [canary, canary], [canary, canary]]);
  for (const list of all) list.follow('rooms/lobby', change('edit', { text: 'it sang' }));
  expect(shown()).toEqual([[['it sang', 0], [canary, 0]], ['it sang', canary], [canary, 'it sang']]);
});

it('what two say follows in their conversation, and not in a room that is called as one of them', async () => {
  vi.stubGlobal('fetch', async (path: string) =>
    Response.json(path.startsWith('/api/search') ? { hits: [{ ...message, with: 'lobby', found: [] }] } : { saved: [{ with: 'lobby', seq: 42, savedAt: base.at, event: message }] }),
  );
  const [search, saved] = [new SearchState(), new Saved()];
  search.text = 'canary';
  looking.push(search.look(), saved.look());
  await Promise.all([search.search('@lobby'), saved.read()]);
  const texts = () => [...search.hits, ...saved.list].map(({ event }) => event?.text);
  for (const list of [search, saved]) list.follow('rooms/lobby', change('edit', { text: 'it sang' }));
  expect(texts()).toEqual([canary, canary]);
  for (const list of [search, saved]) list.follow('users/lobby', change('delete'));
  expect(texts()).toEqual(['']);
});

it('what was deleted stands in none of the lists that are open', async () => {
  const { all, shown } = await lists();
  for (const list of all) list.follow('rooms/lobby', change('delete'));
  expect(shown()).toEqual([[[canary, 0]], ['', canary], [canary]]);
});

it('of a room that the reader was put out of, no words are left in any of them', async () => {
  const { all, shown } = await lists();
  new Lists(...all).lose('rooms/lobby');
  expect(shown()).toEqual([[[canary, 0]], [undefined, canary], [canary]]);
});

it('an answer that was on its way while a message was deleted does not bring its words back', async () => {
  const { all, shown } = await lists();
  const [search, saved, mentions] = all;
  const asked = Promise.all([search.search('lobby'), saved.read(), mentions.readNewest()]);
  for (const list of all) list.follow('rooms/lobby', change('delete'));
  await asked;
  expect(shown()).toEqual([[[canary, 0]], ['', canary], [canary]]);
});

it('what was found is let go of when nobody looks any more, and asked for anew when somebody does', async () => {
  const { all } = await lists();
  const search = all[0];
  const leave = search.look();
  await vi.waitFor(() => expect(search.searching).toBe(false));
  const leaveOther = search.look();
  leave();
  await vi.waitFor(() => expect([search.searching, search.hits.length]).toEqual([false, 2]));
  leaveOther();
  expect(search.hits).toHaveLength(2);
  looking.splice(0).forEach((stop) => stop());
  expect([search.hits, search.asked]).toEqual([[], 'canary']);
  search.look();
  expect(search.hits).toEqual([]);
  await vi.waitFor(() => expect(search.hits).toHaveLength(2));
});
