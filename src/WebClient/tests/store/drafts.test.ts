import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Drafts } from '../../src/store/drafts';
import { Store, type Draft } from '../../src/store/store';

let databases = 0;
let name = '';
const ended: (() => void)[] = [];

async function newDrafts(account = 'ana'): Promise<Drafts> {
  const drafts = new Drafts(account, newStore());
  ended.push(() => drafts.stop());
  await drafts.start();
  return drafts;
}

function newStore(): Store {
  return new Store(() => expect.unreachable('the store failed'), name);
}

/** Until the disk, which all tabs share, is as wanted. */
async function kept(enough: (drafts: Draft[]) => boolean, account = 'ana'): Promise<Draft[]> {
  for (const store = newStore(); ; ) {
    const drafts = await store.drafts(account);
    if (enough(drafts)) return drafts;
  }
}

async function until(enough: () => boolean): Promise<void> {
  while (!enough()) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  name = `drafts-${++databases}`;
  // The database and the tabs go on by themselves; the time until a draft is written does not.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  ended.splice(0).forEach((end) => end());
  vi.useRealTimers();
});

describe('Drafts', () => {
  it('P17: a draft is on disk 300 ms after its first key, however fast one types, and in the next visit', async () => {
    const drafts = await newDrafts();
    for (const text of ['h', 'he', 'hel', 'hell', 'hello']) {
      drafts.write('rooms/lobby', text);
      vi.advanceTimersByTime(75);
    }
    expect(await kept((found) => found.length === 1)).toMatchObject([{ account: 'ana', topic: 'rooms/lobby', text: 'hell' }]);
    vi.advanceTimersByTime(300);
    await kept((found) => found[0]!.text === 'hello');

    const next = await newDrafts();
    expect([next.read('rooms/lobby'), next.read('rooms/other')]).toEqual(['hello', '']);
    expect([next.has('rooms/lobby'), next.has('rooms/other'), next.count]).toEqual([true, false, 1]);
  });

  it('what is answered or changed lasts as the draft does, and counts as one where words were changed', async () => {
    const drafts = await newDrafts();
    drafts.turn('rooms/lobby', { what: 'reply', of: 5, epoch: 'e' });
    drafts.turn('rooms/other', { what: 'edit', of: 6, epoch: 'e', text: 'half of it' });
    drafts.flush();
    await kept((found) => found.length === 2);

    const next = await newDrafts();
    expect(next.about('rooms/lobby')).toEqual({ what: 'reply', of: 5, epoch: 'e' });
    expect(next.about('rooms/other')).toMatchObject({ of: 6, text: 'half of it' });
    expect([next.has('rooms/lobby'), next.has('rooms/other'), next.count]).toEqual([false, true, 1]);
    next.turn('rooms/lobby', null);
    next.turn('rooms/other', null);
    await kept((found) => found.length === 0);
  });

  it('P17: the last key is on disk when the page goes away', async () => {
    const drafts = await newDrafts();
    drafts.write('rooms/lobby', 'hello');
    drafts.flush();
    await kept((found) => found[0]?.text === 'hello');
  });

  it('P17: a sign-out elsewhere keeps it for the same account, and a sign-out here deletes it', async () => {
    const drafts = await newDrafts();
    drafts.write('rooms/lobby', 'hello');
    drafts.stop();
    await kept((found) => found.length === 1);
    const store = newStore();
    await store.forget(null);
    expect((await newDrafts()).read('rooms/lobby')).toBe('hello');
    await store.forget('ana');
    expect((await newDrafts()).read('rooms/lobby')).toBe('');
  });

  it('P17: another account sees nothing of it, and leaves it for a month', async () => {
    const anas = await newDrafts();
    const beas = await newDrafts('bea');
    anas.write('rooms/lobby', 'of Ana');
    anas.flush();
    await kept((found) => found.length === 1);
    // A word of her own comes after it by the same way.
    const beasOther = await newDrafts('bea');
    beas.write('rooms/other', 'of Bea');
    beas.flush();
    await until(() => beasOther.has('rooms/other'));
    expect([beasOther.read('rooms/lobby'), beas.read('rooms/lobby')]).toEqual(['', '']);
    expect((await newDrafts('bea')).read('lobby')).toBe('');

    const store = newStore();
    await store.forgetOthers('bea');
    expect(await store.drafts('ana')).toHaveLength(1);
    vi.setSystemTime(Date.now() + 31 * 24 * 3600_000);
    await store.forgetOthers('bea');
    expect(await store.drafts('ana')).toEqual([]);
    expect(await store.drafts('bea')).toHaveLength(1);
  });

  it('P17: of two tabs the newest edit wins, and nothing is written over what is being typed', async () => {
    const [here, there] = [await newDrafts(), await newDrafts()];
    here.write('rooms/lobby', 'one');
    here.flush();
    await until(() => there.read('rooms/lobby') === 'one');

    here.write('rooms/lobby', 'one two');
    vi.advanceTimersByTime(10);
    there.write('rooms/lobby', 'one three');
    // The older edit comes to the disk, and to the other tab, after the newer one was made.
    here.flush();
    there.write('rooms/marker', 'x');
    there.flush();
    await until(() => here.has('rooms/marker'));
    expect([here.read('rooms/lobby'), there.read('rooms/lobby')]).toEqual(['one three', 'one three']);
    await kept((found) => found.some((draft) => draft.text === 'one three'));
  });

  it('P17: what was sent in one tab is no draft in another, nor on disk', async () => {
    const [here, there] = [await newDrafts(), await newDrafts()];
    here.write('rooms/lobby', 'hello');
    here.flush();
    await until(() => there.has('rooms/lobby'));
    there.write('rooms/lobby', '');
    await until(() => !here.has('rooms/lobby'));
    expect(here.read('rooms/lobby')).toBe('');
    await kept((found) => found.length === 0);
  });

  it('does not lose an edit to a clock that was set back', async () => {
    const drafts = await newDrafts();
    drafts.write('rooms/lobby', 'before');
    drafts.flush();
    vi.setSystemTime(Date.now() - 3600_000);
    drafts.write('rooms/lobby', 'after');
    drafts.flush();
    const [draft] = await kept((found) => found[0]?.text === 'after');
    expect(draft!.at).toBeGreaterThan(Date.now());
    expect((await newDrafts()).read('rooms/lobby')).toBe('after');
  });

  it('finds what an earlier version of the page kept', async () => {
    const old = await openDB(name, 1, {
      upgrade(database) {
        database.createObjectStore('outbox', { autoIncrement: true });
        database.createObjectStore('copies', { keyPath: ['account', 'topic'] });
      },
    });
    await old.add('outbox', { account: 'ana', topic: 'rooms/lobby', id: '1', text: 'hello', replyTo: null, at: 1, refusal: null });
    old.close();
    const store = newStore();
    expect(await store.outbox('ana')).toMatchObject([{ text: 'hello' }]);
    expect(await store.drafts('ana')).toEqual([]);
  });
});
