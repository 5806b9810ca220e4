import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Store, type Waiting } from '../../src/store/store';

const kept = new Map<string, string>();
const working = globalThis.indexedDB;
let databases = 0;
let name = '';

const line = (id: string, more: Partial<Waiting> = {}): Waiting => ({ account: 'ana', topic: 'rooms/lobby', id, text: `the canary ${id}`, replyTo: null, at: Date.now(), refusal: null, ...more });
const left = () => [...kept.values()].join();

beforeEach(() => {
  name = `without-${++databases}`;
  kept.clear();
  vi.stubGlobal('localStorage', {
    get length() {
      return kept.size;
    },
    key: (index: number) => [...kept.keys()][index] ?? null,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => vi.unstubAllGlobals());

/** A store whose browser opens no database. */
function without(): Store {
  Object.defineProperty(globalThis, 'indexedDB', { value: { open: () => { throw new DOMException('no', 'SecurityError'); } }, configurable: true });
  const store = new Store(() => {}, name);
  Object.defineProperty(globalThis, 'indexedDB', { value: working, configurable: true });
  return store;
}

it('a line is left over once, however often the page is left, and not at all when the log has it', async () => {
  const store = without();
  expect(await store.add(line('a'))).toBeNull();
  for (let times = 0; times < 3; times++) store.leavePage();
  expect(left().match(/the canary/g)).toHaveLength(1);
  expect(await without().outbox('ana')).toMatchObject([{ id: 'a', order: null }]);
  await store.remove(line('a'), null);
  store.leavePage();
  expect(left()).not.toContain('canary');
});

it('a draft that was sent or put away is not left over as it was', async () => {
  const store = without();
  const draft = { account: 'ana', topic: 'rooms/lobby', text: 'the canary', at: 1 };
  await store.keepDraft(draft);
  store.leavePage();
  expect(left()).toContain('canary');
  await store.keepDraft({ ...draft, text: '', at: 2 });
  expect(left()).not.toContain('canary');
  store.leavePage();
  expect(left()).not.toContain('canary');
});

it('nothing is left over of who signs out, and of others it is', async () => {
  const store = without();
  await store.add(line('a'));
  await store.add(line('b', { account: 'bea' }));
  await store.keepDraft({ account: 'ana', topic: 'rooms/lobby', text: 'the canary draft', at: 1 });
  store.leavePage();
  await without().forget('ana');
  expect([left().includes('canary a'), left().includes('canary draft'), left().includes('canary b')]).toEqual([false, false, true]);
});

it('what was given up in a room that was left is not sent by the next page', async () => {
  const store = without();
  await store.add(line('a'));
  store.leavePage();
  await store.setRefusal(line('a', { refusal: { code: 0x87, text: '' } }), null);
  const next = new Store(() => {}, name);
  expect(await next.outbox('ana')).toMatchObject([{ id: 'a', refusal: { code: 0x87 } }]);
  expect(left()).toBe('');
  await next.close();
});

it('a database that is lost in a visit keeps nothing waiting that was settled after, and what was refused stays refused', async () => {
  const store = new Store(() => {}, name);
  const orders = [await store.add(line('a')), await store.add(line('b')), await store.add(line('c'))];
  await store.close();
  await store.remove(line('a'), orders[0]!);
  await store.setRefusal(line('b', { refusal: { code: 0x87, text: '' } }), orders[1]!);
  store.leavePage();
  const next = new Store(() => {}, name);
  expect((await next.outbox('ana')).map(({ id, refusal }) => [id, refusal?.code])).toEqual([['b', 0x87], ['c', undefined]]);
  expect((await next.outbox('ana')).map(({ id }) => id)).toEqual(['b', 'c']);
  expect(left()).toBe('');
  await next.close();
});

it('a copy that was not written for a month is dropped, and one that was is not', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const store = new Store(() => expect.unreachable(), name);
  const copy = { account: 'ana', topic: 'rooms/old', epoch: 'e', oldest: 1, events: [], read: null, room: null };
  await store.keepCopy(copy);
  vi.setSystemTime(Date.now() + 16 * 24 * 3600_000);
  await store.keepCopy({ ...copy, topic: 'rooms/new' });
  await store.forgetOthers('ana');
  expect(await store.copied('ana')).toEqual(['rooms/new', 'rooms/old']);
  vi.setSystemTime(Date.now() + 16 * 24 * 3600_000);
  await store.forgetOthers('ana');
  expect(await store.copied('ana')).toEqual(['rooms/new']);
  await store.close();
  vi.useRealTimers();
});
