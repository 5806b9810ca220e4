import { afterEach, describe, expect, it, vi } from 'vitest';
import * as names from '../../../src/lib/byName';
import { PeopleState } from '../../../src/chat/people/people.svelte';
import { readPeople, type Present } from '../../../src/chat/model/protocol';
import type { Kind } from '../../../src/lib/kind';

vi.mock(import('../../../src/lib/byName'), async (original) => {
  const real = await original();
  return { byName: vi.fn(real.byName) };
});

const person = (user: string, name: string, kind: Kind = 'person'): Present => ({ user, name, kind, since: '2026-11-23T06:59:12.000Z' });

/** A state that was told these, and what it is told after: each change has the next number. */
function withPeople(...people: Present[]) {
  const state = new PeopleState();
  let n = 0;
  let count = people.length;
  const hear = (message: object) => state.hear(readPeople({ v: 1, type: 'people', ...message })!);
  const change = (came: Present[], gone: string[] = []) => hear({ n: ++n, came, gone, count: (count += came.length - gone.length) });
  hear({ n, part: 1, parts: 1, here: people, count });
  return { state, hear, change };
}

const users = (state: PeopleState) => state.list.map((one) => one.user);

describe('PeopleState', () => {
  afterEach(() => vi.clearAllMocks());

  it('is in the order of names, however they come and go', () => {
    const { state, change } = withPeople(person('c', 'Zoe'), person('b', 'ana'), person('a', 'Ána'), person('d', 'Bea'));
    expect(users(state)).toEqual(['a', 'b', 'd', 'c']);
    change([person('c', 'Aaron')]);
    expect(users(state)).toEqual(['c', 'a', 'b', 'd']);
    change([], ['a', 'nobody']);
    expect(users(state)).toEqual(['c', 'b', 'd']);
  });

  it('is those of the list that comes on a new connection, and until then as it was', () => {
    const { state, hear } = withPeople(person('a', 'Ana'), person('b', 'Bea'));
    state.expectAnew();
    expect(users(state)).toEqual(['a', 'b']);
    // The server was started anew meanwhile: it counts from the beginning.
    hear({ n: 0, part: 1, parts: 1, here: [person('b', 'Bea')], count: 1 });
    expect([users(state), state.count]).toEqual([['b'], 1]);
  });

  it('R1: takes a list whose parts have all come, and not the rest of one that another has replaced', () => {
    const { state, hear } = withPeople(person('a', 'Ana'));
    hear({ n: 7, part: 1, parts: 2, here: [person('b', 'Bea')], count: 2 });
    expect(users(state)).toEqual(['a']);
    hear({ n: 9, part: 1, parts: 2, here: [person('c', 'Caio')], count: 2 });
    hear({ n: 7, part: 2, parts: 2, here: [person('x', 'X')], count: 2 });
    expect(users(state)).toEqual(['a']);
    hear({ n: 9, part: 2, parts: 2, here: [person('d', 'Dora')], count: 2 });
    expect(users(state)).toEqual(['c', 'd']);
    expect(hear({ n: 9, came: [person('e', 'Eva')], gone: [], count: 3 })).toBe('known');
    expect(users(state)).toEqual(['c', 'd']);
  });

  it('R1: says when a change was missed, and takes none before the list has come anew', () => {
    const { state, hear } = withPeople(person('a', 'Ana'));
    expect(hear({ n: 1, came: [person('b', 'Bea')], gone: [], count: 2 })).toBe('known');
    expect(hear({ n: 3, came: [person('d', 'Dora')], gone: [], count: 4 })).toBe('missed');
    expect(hear({ n: 4, came: [], gone: ['a'], count: 3 })).toBe('known');
    expect(users(state)).toEqual(['a', 'b']);
    hear({ n: 4, part: 1, parts: 1, here: [person('b', 'Bea'), person('d', 'Dora')], count: 2 });
    expect(users(state)).toEqual(['b', 'd']);
  });

  it('R1: knows a crowd, of whom only some are named', () => {
    const { state, hear } = withPeople(person('a', 'Ana'));
    expect(state.isCrowd).toBe(false);
    hear({ n: 5, part: 1, parts: 1, here: [person('a', 'Ana')], count: 1_200 });
    expect([state.isCrowd, state.count, users(state)]).toEqual([true, 1_200, ['a']]);
    hear({ n: 6, came: [], gone: [], count: 1_250 });
    expect([state.isCrowd, state.count]).toEqual([true, 1_250]);
  });

  it('takes who came just now to be here since now, and who has a new name to be here as long as before', () => {
    const { state, change } = withPeople(person('a', 'Ana'));
    change([{ user: 'b', name: 'Bea', kind: 'person' } as Present, { user: 'a', name: 'Anna', kind: 'person' } as Present]);
    expect(Date.now() - Date.parse(state.get('b')!.since)).toBeLessThan(60_000);
    expect(state.get('a')).toEqual(person('a', 'Anna'));
  });

  it('P4: wants the user name beside names that could be confused, and beside no other', () => {
    const { state } = withPeople(person('ana', 'Ana'), person('bea', 'Bea'), person('guest-7', 'Bеa ✔', 'guest'));
    expect(state.isAmbiguous('bea', 'Bea')).toBe(true);
    expect(state.isAmbiguous('guest-7', 'Bеa ✔')).toBe(true);
    expect(state.isAmbiguous('ana', 'Ana')).toBe(false);
  });

  it('P4: a display name that is somebody else’s user name could be confused too', () => {
    const { state } = withPeople(person('ana', 'Dona Ana'), person('mallory', 'ana'));
    expect(state.isAmbiguous('mallory', 'ana')).toBe(true);
  });

  it('P4: remembers who has spoken or gone, since what they said is still read', () => {
    const { state } = withPeople(person('bea', 'Bea'));
    state.met({ user: 'mallory', name: 'Bea', kind: 'person' });
    expect(state.isAmbiguous('bea', 'Bea')).toBe(true);
    const { state: gone, change } = withPeople(person('bea', 'Bea'), person('mallory', 'Bea'));
    change([], ['mallory']);
    expect(gone.isAmbiguous('bea', 'Bea')).toBe(true);
  });

  it('compares one who comes with few of a thousand', () => {
    const { change } = withPeople(...Array.from({ length: 1_000 }, (_, index) => person(`u${index}`, `Person ${index}`)));
    vi.mocked(names.byName).mockClear();
    change([person('new', 'Person 500 and a half')]);
    expect(vi.mocked(names.byName).mock.calls.length).toBeLessThan(20);
  });
});
