import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Published } from '../../../src/chat/link/link';
import { Outbox } from '../../../src/chat/compose/outbox.svelte';
import { Store, type Waiting } from '../../../src/store/store';

/** A server that answers each publish when it is told to. */
class Wire {
  readonly heard: { topic: string; type?: string; text: string; id: string; replyTo?: number }[] = [];
  readonly #waiting: ((answer: Published) => void)[] = [];
  #arrived: (() => void) | null = null;

  publish(topic: string, payload: string): Promise<Published> {
    this.heard.push({ topic, ...JSON.parse(payload) });
    this.#arrived?.();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get texts(): string[] {
    return this.heard.map((one) => one.text);
  }

  /** Answers the oldest publish that has no answer; waits for it. */
  async answer(answer: Published): Promise<void> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
    this.#waiting.shift()!(answer);
  }

  async hears(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }
}

const lobby = 'rooms/lobby';
const stored = (seq: number): Published => ({ ok: true, logged: { seq, epoch: 'e' } });
let databases = 0;
const ended: (() => void)[] = [];

function newStore(name = `test-${++databases}`): Store {
  return new Store(() => {}, name);
}

async function newOutbox(store: Store, account = 'ana'): Promise<Outbox> {
  const outbox = new Outbox(account, store);
  ended.push(() => outbox.stop());
  await outbox.start();
  return outbox;
}

/** Until what was begun has reached the disk. */
async function settled(store: Store, account = 'ana', enough: (lines: Waiting[]) => boolean): Promise<Waiting[]> {
  for (;;) {
    const lines = await store.outbox(account);
    if (enough(lines)) return lines;
  }
}

afterEach(() => ended.splice(0).forEach((end) => end()));

describe('Outbox', () => {
  it('P11: sends nothing more to a room that was lost, where it would bring its author back in, and keeps the text', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.write(lobby, 'one');
    outbox.write('rooms/garden', 'other');
    await settled(store, 'ana', (lines) => lines.length === 2);
    await outbox.giveUp(lobby);
    outbox.attach(wire);
    await wire.hears(1);
    expect(wire.texts).toEqual(['other']);
    expect(outbox.lines.map((line) => [line.text, line.state])).toEqual([['one', 'failed'], ['other', 'waiting']]);
  });

  it('sends nothing more to a room that was lost while one message is on its way, and what the log has is not refused', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.attach(wire);
    outbox.write(lobby, 'one');
    outbox.write(lobby, 'two');
    await wire.hears(1);
    await settled(store, 'ana', (lines) => lines.length === 2);
    // A disk that takes its time.
    const setRefusal = store.setRefusal.bind(store);
    let write!: () => void;
    const written = new Promise<void>((resolve) => (write = resolve));
    store.setRefusal = (...args) => written.then(() => setRefusal(...args));
    const givingUp = outbox.giveUp(lobby);
    await wire.answer(stored(1));
    await settled(store, 'ana', (lines) => lines.length === 1);
    write();
    await givingUp;
    await settled(store, 'ana', (lines) => lines.length === 1 && lines[0]!.refusal !== null);
    expect(wire.texts).toEqual(['one']);
    expect(outbox.lines.map((line) => [line.text, line.state])).toEqual([['one', 'sent'], ['two', 'failed']]);
  });

  it('keeps the refusal of a message that was still on its way to the disk when its room was lost', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.write(lobby, 'one');
    await outbox.giveUp(lobby);
    await settled(store, 'ana', (lines) => lines.length === 1 && lines[0]!.refusal !== null);
    expect(outbox.lines.map((line) => line.state)).toEqual(['failed']);
    outbox.stop();

    const after = await newOutbox(store);
    after.write('rooms/garden', 'other');
    after.attach(wire);
    await wire.hears(1);
    expect(wire.texts).toEqual(['other']);
  });

  it('does not find a message again that was taken back on its way to the disk', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    outbox.write(lobby, 'one');
    await outbox.discard(outbox.lines[0]!.id);
    outbox.write(lobby, 'two');
    const lines = await settled(store, 'ana', (found) => found.some((line) => line.text === 'two') && found.length === 1);
    expect(lines.map((line) => line.text)).toEqual(['two']);
  });

  it('has a message on disk before it is sent, and until the server has it', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    const wire = new Wire();
    outbox.attach({
      publish: async (topic, payload) => {
        expect(await store.outbox('ana')).toHaveLength(1);
        return wire.publish(topic, payload);
      },
    });
    outbox.write(lobby, 'hello', { replyTo: 17 });
    await wire.hears(1);
    expect(wire.heard[0]).toMatchObject({ topic: lobby, text: 'hello', replyTo: 17 });
    expect(outbox.lines).toMatchObject([{ state: 'waiting' }]);
    await wire.answer(stored(5));
    await settled(store, 'ana', (lines) => lines.length === 0);
    expect(outbox.lines).toMatchObject([{ text: 'hello', state: 'sent', logged: { seq: 5, epoch: 'e' } }]);
  });

  it('sends one at a time in the order written, also over a reload, each under its own id', async () => {
    const store = newStore();
    const before = await newOutbox(store);
    for (const text of ['one', 'two', 'three']) before.write(lobby, text);
    const ids = before.lines.map((line) => line.id);
    await settled(store, 'ana', (lines) => lines.length === 3);
    before.stop();

    const after = await newOutbox(store);
    after.write(lobby, 'four');
    const wire = new Wire();
    after.attach(wire);
    for (let seq = 1; seq <= 4; seq++) {
      await wire.hears(seq);
      expect(wire.heard).toHaveLength(seq);
      await wire.answer(stored(seq));
    }
    await settled(store, 'ana', (lines) => lines.length === 0);
    expect(wire.texts).toEqual(['one', 'two', 'three', 'four']);
    expect(wire.heard.slice(0, 3).map((one) => one.id)).toEqual(ids);
  });

  it('sends what was lost on the way again under the same id, before what was written after it', async () => {
    const outbox = await newOutbox(newStore());
    const [first, second] = [new Wire(), new Wire()];
    outbox.attach(first);
    outbox.write(lobby, 'one');
    outbox.write(lobby, 'two');
    await first.hears(1);
    outbox.detach();
    await first.answer('lost');
    outbox.attach(second);
    await second.answer(stored(1));
    await second.answer(stored(2));
    await second.hears(2);
    expect(first.texts).toEqual(['one']);
    expect(second.texts).toEqual(['one', 'two']);
    expect(second.heard[0]!.id).toBe(first.heard[0]!.id);
  });

  it('keeps what was refused, with the reason, and goes on with what is behind it', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    const wire = new Wire();
    outbox.attach(wire);
    outbox.write(lobby, 'bad');
    outbox.write(lobby, 'good');
    await wire.answer({ ok: false, code: 0x83, text: 'no', name: null, retry: null });
    await wire.answer(stored(1));
    await settled(store, 'ana', (lines) => lines.length === 1 && lines[0]!.refusal !== null);
    expect(wire.texts).toEqual(['bad', 'good']);
    expect(outbox.failed).toBe(1);

    // Also for the next visit, which does not send it by itself.
    outbox.stop();
    const next = await newOutbox(store);
    const later = new Wire();
    next.attach(later);
    expect(next.lines).toMatchObject([{ text: 'bad', state: 'failed', refusal: { code: 0x83, text: 'no', name: null } }]);
    await next.retry(next.lines[0]!.id);
    await later.answer(stored(2));
    await settled(store, 'ana', (lines) => lines.length === 0);
    expect(later.texts).toEqual(['bad']);
  });

  it('forgets what is discarded', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    const wire = new Wire();
    outbox.attach(wire);
    outbox.write(lobby, 'bad');
    await wire.answer({ ok: false, code: 0x87, text: '', name: null, retry: null });
    await settled(store, 'ana', (lines) => lines[0]?.refusal !== null);
    await outbox.discard(outbox.lines[0]!.id);
    expect(outbox.lines).toEqual([]);
    expect(await store.outbox('ana')).toEqual([]);
  });

  it('takes the event in the log for an answer', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    outbox.write(lobby, 'hello');
    await settled(store, 'ana', (lines) => lines.length === 1);
    outbox.echoed(outbox.lines[0]!.id);
    await settled(store, 'ana', (lines) => lines.length === 0);
    expect(outbox.lines).toEqual([]);
  });

  it('shows what was acknowledged until the log is shown that far, or has begun anew', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    const wire = new Wire();
    outbox.attach(wire);
    for (const [index, text] of ['one', 'two'].entries()) {
      outbox.write(lobby, text);
      await wire.answer(stored(5 + index));
    }
    await settled(store, 'ana', (lines) => lines.length === 0);
    outbox.reached(lobby, 'e', 4);
    outbox.reached('rooms/other', 'e', 9);
    expect(outbox.lines.map((line) => line.text)).toEqual(['one', 'two']);
    outbox.reached(lobby, 'e', 5);
    expect(outbox.lines.map((line) => line.text)).toEqual(['two']);
    outbox.reached(lobby, 'new', 1);
    expect(outbox.lines).toEqual([]);
  });

  it('does not let one room wait for another', async () => {
    const outbox = await newOutbox(newStore());
    const wire = new Wire();
    outbox.attach(wire);
    outbox.write(lobby, 'stuck');
    outbox.write('users/bea', 'psst');
    await wire.hears(2);
    expect(wire.heard.map((one) => one.topic)).toEqual([lobby, 'users/bea']);
  });

  it('never shows or sends what another account wrote', async () => {
    const store = newStore();
    const anas = await newOutbox(store, 'ana');
    anas.write(lobby, 'from ana');
    await settled(store, 'ana', (lines) => lines.length === 1);
    anas.stop();
    const bobs = await newOutbox(store, 'bob');
    const wire = new Wire();
    bobs.attach(wire);
    bobs.write(lobby, 'from bob');
    await wire.hears(1);
    expect(bobs.lines.map((line) => line.text)).toEqual(['from bob']);
    expect(wire.texts).toEqual(['from bob']);
  });

  it('P32: what somebody wrote waits for them while others are signed in, for a month at most', async () => {
    const store = newStore();
    const line = { topic: lobby, replyTo: null, refusal: null };
    await store.add({ ...line, account: 'ana', id: 'a1', text: 'from ana', at: Date.now() });
    await store.add({ ...line, account: 'guest', id: 'g1', text: 'from a guest of long ago', at: Date.now() - 31 * 24 * 3600_000 });
    await store.add({ ...line, account: 'bob', id: 'b1', text: 'from bob', at: Date.now() - 31 * 24 * 3600_000 });
    expect(await store.outbox('guest')).toHaveLength(1);

    await store.forgetOthers('bob');

    expect(await store.outbox('ana')).toHaveLength(1);
    expect(await store.outbox('guest')).toEqual([]);
    expect(await store.outbox('bob')).toHaveLength(1);

    await store.forget('bob');

    expect(await store.outbox('ana')).toHaveLength(1);
    expect(await store.outbox('bob')).toEqual([]);
  });

  it('asks before it sends what waited for longer than the server knows ids', async () => {
    const store = newStore();
    await store.add({ account: 'ana', topic: lobby, id: 'old', text: 'last week', replyTo: null, at: Date.now() - 7 * 24 * 3600_000, refusal: null });
    await store.add({ account: 'ana', topic: lobby, id: 'new', text: 'yesterday', replyTo: null, at: Date.now() - 24 * 3600_000, refusal: null });
    const outbox = await newOutbox(store);
    const wire = new Wire();
    outbox.attach(wire);
    await wire.hears(1);
    expect(wire.texts).toEqual(['yesterday']);
    expect(outbox.lines[0]).toMatchObject({ text: 'last week', state: 'failed' });
  });

  it('shows in one tab what another one writes, sends and sees refused', async () => {
    const name = `test-${++databases}`;
    const [here, there] = [await newOutbox(newStore(name)), await newOutbox(newStore(name))];
    const wire = new Wire();
    here.attach(wire);
    const shown = async (enough: () => boolean) => {
      while (!enough()) await new Promise((resolve) => setImmediate(resolve));
    };
    here.write(lobby, 'hello');
    await shown(() => there.lines[0]?.state === 'waiting');
    await wire.answer(stored(1));
    await shown(() => there.lines[0]?.state === 'sent');
    here.write(lobby, 'bad');
    await wire.answer({ ok: false, code: 0x83, text: 'no', name: null, retry: null });
    await shown(() => there.lines[1]?.state === 'failed');
    await there.discard(there.lines[1]!.id);
    await shown(() => here.lines.length === 1);
  });

  it('A3: tells at once of everything for a topic that the day’s quota is used up, and when there is more', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.attach(wire);
    for (const text of ['one', 'two', 'three']) outbox.write(lobby, text);
    await settled(store, 'ana', (lines) => lines.length === 3);
    const before = Date.now();
    await wire.answer({ ok: false, code: 0x97, text: 'in any words', name: 'quota', retry: 600 });
    await settled(store, 'ana', (lines) => lines.every((line) => line.refusal !== null));
    expect(wire.texts).toEqual(['one']);
    expect(outbox.lines.map((line) => [line.text, line.state, line.refusal?.name])).toEqual(['one', 'two', 'three'].map((text) => [text, 'failed', 'quota']));
    for (const { refusal } of outbox.lines) expect(refusal!.again! - before).toBeGreaterThanOrEqual(600_000);

    await outbox.retry(outbox.lines[0]!.id);
    await wire.answer(stored(1));
    await settled(store, 'ana', (lines) => lines.length === 2);
    expect(wire.texts).toEqual(['one', 'one']);
  });

  it('A3: waits as long as a busy server says, and no shorter', async () => {
    const pauses: number[] = [];
    const later = setTimeout;
    vi.stubGlobal('setTimeout', (run: () => void, milliseconds: number) => {
      if (milliseconds < 1_000) return later(run, milliseconds);
      pauses.push(milliseconds);
      return later(run);
    });
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.attach(wire);
    outbox.write(lobby, 'one');
    await wire.answer({ ok: false, code: 0x97, text: '', name: 'busy', retry: 60 });
    await wire.answer({ ok: false, code: 0x97, text: '', name: null, retry: null });
    await wire.answer(stored(1));
    await settled(store, 'ana', (lines) => lines.length === 0);
    vi.unstubAllGlobals();
    expect(pauses).toEqual([60_000, 2_000]);
  });
});

describe('Outbox without a place to keep anything', () => {
  it('sends all the same, and says so once', async () => {
    let said = 0;
    const working = globalThis.indexedDB;
    Object.defineProperty(globalThis, 'indexedDB', { value: { open: () => { throw new DOMException('no', 'SecurityError'); } }, configurable: true });
    const store = new Store(() => said++, 'none');
    const outbox = await newOutbox(store);
    Object.defineProperty(globalThis, 'indexedDB', { value: working, configurable: true });
    const wire = new Wire();
    outbox.write(lobby, 'one');
    outbox.write(lobby, 'two');
    outbox.attach(wire);
    await wire.answer(stored(1));
    await wire.answer(stored(2));
    await wire.hears(2);
    expect(wire.texts).toEqual(['one', 'two']);
    expect(said).toBe(1);
    expect(store.lasting).toBe(false);
  });

  it('leaves nothing over of what the log has or was discarded, and says of the rest that it was given up', async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) });
    const store = newStore();
    await store.close();
    const outbox = await newOutbox(store);
    const wire = new Wire();
    for (const text of ['one', 'two', 'three']) outbox.write(lobby, text);
    await vi.waitFor(() => expect(store.lasting).toBe(false));
    for (let times = 0; times < 3; times++) store.leavePage();
    outbox.attach(wire);
    await wire.answer(stored(1));
    await wire.hears(2);
    await outbox.discard(outbox.lines.find((line) => line.text === 'three')!.id);
    await outbox.giveUp(lobby);
    store.leavePage();
    expect(JSON.parse([...kept.values()].join())).toMatchObject([{ text: 'two', refusal: { code: 0x87 } }]);
    vi.unstubAllGlobals();
  });

  it('P28: all that was refused of a room is tried again in its order, or discarded, in one step; other rooms keep theirs', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    for (const text of ['one', 'two', 'three']) outbox.write(lobby, text);
    outbox.write('rooms/garden', 'other');
    await settled(store, 'ana', (lines) => lines.length === 4);
    await Promise.all([outbox.giveUp(lobby), outbox.giveUp('rooms/garden')]);
    expect(outbox.failed).toBe(4);

    outbox.attach(wire);
    await outbox.retryAll(lobby);
    for (const seq of [1, 2]) {
      await wire.hears(seq);
      await wire.answer(stored(seq));
    }
    await wire.hears(3);
    expect(wire.texts).toEqual(['one', 'two', 'three']);
    await wire.answer({ ok: false, code: 0x87, text: '', name: null, retry: null });
    await settled(store, 'ana', (lines) => lines.every((one) => one.refusal !== null));

    await outbox.discardAll(lobby);
    expect(outbox.lines.filter((line) => line.state === 'failed').map((line) => line.text)).toEqual(['other']);
    expect((await store.outbox('ana')).map((line) => line.text)).toEqual(['other']);
  });

  it('sends what is done with a message as a command, behind what was written before', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.attach(wire);
    outbox.write(lobby, 'waves', { action: true });
    outbox.act(lobby, { command: 'edit', of: 7, text: 'better' });
    outbox.act(lobby, { command: 'reaction', of: 7, emoji: '👍', on: false });
    for (const seq of [8, 9, 10]) await wire.answer(stored(seq));
    expect(wire.heard).toMatchObject([
      { type: 'message', text: 'waves', action: true },
      { type: 'edit', of: 7, text: 'better' },
      { type: 'reaction', of: 7, emoji: '👍', on: false },
    ]);
    expect(wire.heard[2]).not.toHaveProperty('text');
  });

  it('sends no edit to what is gone, keeps its words, and forgets what else was to be done with it', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.act(lobby, { command: 'edit', of: 7, text: 'better' });
    outbox.act(lobby, { command: 'reaction', of: 7, emoji: '👍', on: true });
    outbox.act(lobby, { command: 'reaction', of: 8, emoji: '👍', on: true });
    await settled(store, 'ana', (lines) => lines.length === 3);
    await outbox.gone(lobby, 7);
    outbox.attach(wire);
    await wire.hears(1);
    expect(wire.heard).toMatchObject([{ type: 'reaction', of: 8 }]);
    expect(outbox.lines.filter((line) => line.act?.of === 7)).toMatchObject([{ text: 'better', state: 'failed', refusal: { name: 'removed' } }]);
  });

  it('says nothing of a reaction whose message was removed just then, and keeps an edit', async () => {
    const [store, wire] = [newStore(), new Wire()];
    const outbox = await newOutbox(store);
    outbox.attach(wire);
    outbox.act(lobby, { command: 'reaction', of: 7, emoji: '👍', on: true });
    outbox.act(lobby, { command: 'edit', of: 7, text: 'better' });
    const gone: Published = { ok: false, code: 0x83, text: 'It was deleted.', name: 'removed', retry: null };
    await wire.answer(gone);
    await wire.answer(gone);
    await settled(store, 'ana', (lines) => lines.length === 1 && lines[0]!.refusal !== null);
    expect(outbox.lines).toMatchObject([{ text: 'better', state: 'failed' }]);
  });

  it('does nothing else with what is to be deleted', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    outbox.act(lobby, { command: 'edit', of: 7, text: 'better' });
    outbox.act(lobby, { command: 'delete', of: 7 });
    await settled(store, 'ana', (lines) => lines.length === 1);
    expect(outbox.lines.map((line) => line.act?.command)).toEqual(['delete']);
  });

  it('keeps of what was to be done in a room that is lost only the words', async () => {
    const store = newStore();
    const outbox = await newOutbox(store);
    outbox.act(lobby, { command: 'edit', of: 7, text: 'better' });
    outbox.act(lobby, { command: 'reaction', of: 8, emoji: '👍', on: true });
    await settled(store, 'ana', (lines) => lines.length === 2);
    await outbox.giveUp(lobby);
    expect(outbox.lines).toMatchObject([{ text: 'better', state: 'failed' }]);
  });
});
