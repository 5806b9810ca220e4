import { afterEach, describe, expect, it, vi } from 'vitest';
import * as names from '../../../src/lib/byName';
import { PeopleState } from '../../../src/chat/people/people.svelte';
import type { Present } from '../../../src/chat/model/protocol';
import type { Kind } from '../../../src/lib/kind';

vi.mock(import('../../../src/lib/byName'), async (original) => {
  const real = await original();
  return { byName: vi.fn(real.byName) };
});

const person = (user: string, name: string, kind: Kind = 'person'): Present => ({ user, name, kind, since: '2026-11-23T06:59:12.000Z' });

function withPeople(...people: Present[]): PeopleState {
  const state = new PeopleState();
  for (const one of people) state.set(one.user, one);
  return state;
}

const users = (state: PeopleState) => state.list.map((one) => one.user);

describe('PeopleState', () => {
  afterEach(() => vi.clearAllMocks());

  it('is in the order of names, however they come and go', () => {
    const state = withPeople(person('c', 'Zoe'), person('b', 'ana'), person('a', 'Ána'), person('d', 'Bea'));
    expect(users(state)).toEqual(['a', 'b', 'd', 'c']);
    state.set('c', person('c', 'Aaron'));
    expect(users(state)).toEqual(['c', 'a', 'b', 'd']);
    state.set('a', null);
    state.set('nobody', null);
    expect(users(state)).toEqual(['c', 'b', 'd']);
    expect(state.count).toBe(3);
  });

  it('is those who were said again, after a new connection', () => {
    const state = withPeople(person('a', 'Ana'), person('b', 'Bea'));
    state.expectAnew();
    state.set('b', person('b', 'Bea'));
    state.settle();
    expect(users(state)).toEqual(['b']);
  });

  it('P4: wants the user name beside names that could be confused, and beside no other', () => {
    const state = withPeople(person('ana', 'Ana'), person('bea', 'Bea'), person('guest-7', 'Bеa ✔', 'guest'));
    expect(state.isAmbiguous('bea', 'Bea')).toBe(true);
    expect(state.isAmbiguous('guest-7', 'Bеa ✔')).toBe(true);
    expect(state.isAmbiguous('ana', 'Ana')).toBe(false);
  });

  it('P4: a display name that is somebody else’s user name could be confused too', () => {
    const state = withPeople(person('ana', 'Dona Ana'), person('mallory', 'ana'));
    expect(state.isAmbiguous('mallory', 'ana')).toBe(true);
  });

  it('P4: remembers who has spoken or gone, since what they said is still read', () => {
    const state = withPeople(person('bea', 'Bea'));
    state.met({ user: 'mallory', name: 'Bea', kind: 'person' });
    expect(state.isAmbiguous('bea', 'Bea')).toBe(true);
    const gone = withPeople(person('bea', 'Bea'), person('mallory', 'Bea'));
    gone.set('mallory', null);
    expect(gone.isAmbiguous('bea', 'Bea')).toBe(true);
  });

  it('compares one who comes with few of a thousand', () => {
    const state = withPeople(...Array.from({ length: 1_000 }, (_, index) => person(`u${index}`, `Person ${index}`)));
    vi.mocked(names.byName).mockClear();
    state.set('new', person('new', 'Person 500 and a half'));
    expect(vi.mocked(names.byName).mock.calls.length).toBeLessThan(20);
  });
});
