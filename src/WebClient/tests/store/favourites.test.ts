import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Favourites, forgetFavourites } from '../../src/store/favourites.svelte';

/** As a browser keeps it, so far as favourites use it. */
class Kept {
  readonly #values = new Map<string, string>();
  get length() {
    return this.#values.size;
  }
  key = (index: number) => [...this.#values.keys()][index] ?? null;
  getItem = (key: string) => this.#values.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#values.set(key, value);
  removeItem = (key: string) => void this.#values.delete(key);
}

describe('Favourites', () => {
  beforeEach(() => vi.stubGlobal('localStorage', new Kept()));
  afterEach(() => vi.unstubAllGlobals());

  it('P16: outlive the visit, for their account alone', () => {
    const before = new Favourites('ana');
    before.toggle('lobby');
    before.toggle('garden');
    before.toggle('lobby');
    const after = new Favourites('ana');
    expect([after.has('garden'), after.has('lobby')]).toEqual([true, false]);
    expect(new Favourites('bea').has('garden')).toBe(false);
  });

  it('P16: are alike in all tabs', () => {
    const listeners: ((event: unknown) => void)[] = [];
    vi.stubGlobal('addEventListener', (_: string, listener: (event: unknown) => void) => listeners.push(listener));
    vi.stubGlobal('removeEventListener', () => listeners.pop());
    const tab = new Favourites('ana');
    tab.start();
    tab.toggle('lobby');
    for (const listener of listeners) listener({ key: 'webmessenger.favourites.ana', newValue: '["garden"]' });
    expect([tab.has('garden'), tab.has('lobby')]).toEqual([true, false]);
    tab.stop();
    expect(listeners).toEqual([]);
  });

  it('P16: go when their account signs out, or another one comes', () => {
    for (const account of ['ana', 'bea']) new Favourites(account).toggle('secret');
    forgetFavourites('ana');
    expect([new Favourites('ana').has('secret'), new Favourites('bea').has('secret')]).toEqual([true, false]);
    forgetFavourites();
    expect(new Favourites('ana').has('secret')).toBe(false);
  });

  it('P16: hold for the visit where nothing can be kept, and begin anew from what is no list', () => {
    localStorage.setItem('webmessenger.favourites.ana', '{not json');
    expect(new Favourites('ana').has('lobby')).toBe(false);
    vi.stubGlobal('localStorage', undefined);
    const nowhere = new Favourites('ana');
    nowhere.toggle('lobby');
    expect(nowhere.has('lobby')).toBe(true);
    forgetFavourites();
  });
});
