import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inbox } from '../../../src/chat/inbox/inbox.svelte';
import type { Copy } from '../../../src/store/store';

const whisper = (seq: number) => ({ type: 'whisper', seq, epoch: 'e', id: null, at: '2026-11-28T12:00:00Z', from: { user: 'bea', name: 'Béa', kind: 'person' }, text: `whisper ${seq}` });

/** `live`: what was missed has come. */
async function newInbox(copy: Copy | null = null, live = true) {
  const told: number[] = [];
  let kept: (() => Omit<Copy, 'account'> | null) | null = null;
  const inbox = new Inbox({ me: 'ana', read: (seq) => told.push(seq), keep: (_, value) => (kept = value) }, Promise.resolve(copy));
  await inbox.attach({ subscribe: async () => 'granted' } as unknown as Parameters<Inbox['attach']>[0]);
  if (live) vi.advanceTimersByTime(5_000);
  return { inbox, told, onTop: () => inbox.onTop.map((one) => one.seq), copy: (): Copy => ({ account: 'ana', ...kept!()! }) };
}

describe('Inbox', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('P9: of what was missed only the newest is on top, and nothing of an earlier visit but the last', async () => {
    const { inbox, onTop, copy } = await newInbox(null, false);
    for (const seq of [1, 2, 3]) inbox.receive(whisper(seq));
    expect(onTop()).toEqual([3]);
    vi.advanceTimersByTime(5_000);
    inbox.receive(whisper(4));
    expect(onTop()).toEqual([3, 4]);
    expect((await newInbox(copy(), false)).onTop()).toEqual([4]);
  });

  it('P9: at most three are on top of the page, and one that had to make room does not come back', async () => {
    const { inbox, onTop } = await newInbox();
    for (const seq of [1, 2, 3]) inbox.receive(whisper(seq));
    expect(onTop()).toEqual([1, 2, 3]);
    inbox.receive(whisper(4));
    expect(onTop()).toEqual([2, 3, 4]);
    for (const seq of [3, 4, 2]) inbox.putAway(seq);
    expect(onTop()).toEqual([]);
    inbox.receive(whisper(5));
    expect(onTop()).toEqual([5]);
    expect(inbox.unread).toBe(5);
  });

  it('P9: what was put away is unread until it is read, and is not on top in the next visit', async () => {
    const first = await newInbox();
    first.inbox.receive(whisper(1));
    first.inbox.putAway(1);
    expect([first.inbox.unread, first.told]).toEqual([1, []]);

    const second = await newInbox(first.copy());
    expect([second.inbox.unread, second.onTop()]).toEqual([1, []]);
    second.inbox.receive(whisper(2));
    expect(second.onTop()).toEqual([2]);
    second.inbox.open();
    expect([second.inbox.unread, second.onTop(), second.told, second.inbox.line]).toEqual([0, [], [2], 0]);
  });

  it('P9: what a page in sight shows on top is not shown again by the next tab, and is unread there all the same', async () => {
    const first = await newInbox();
    first.inbox.receive(whisper(1));
    expect((await newInbox(first.copy())).onTop()).toEqual([1]);
    first.inbox.drawn(1);
    expect(first.onTop()).toEqual([1]);
    const next = await newInbox(first.copy());
    expect([next.onTop(), next.inbox.unread]).toEqual([[], 1]);
    next.inbox.receive(whisper(2));
    expect(next.onTop()).toEqual([2]);
  });

  it('P9: the one that was asked for is shown in its place', async () => {
    const { inbox } = await newInbox();
    inbox.receive(whisper(1));
    inbox.show(1);
    expect([inbox.wanted, inbox.unread]).toEqual([1, 1]);
  });

  it('begins anew with another inbox', async () => {
    const { inbox, onTop } = await newInbox();
    inbox.receive(whisper(7));
    inbox.putAway(7);
    inbox.receive({ ...whisper(1), epoch: 'another' });
    expect(onTop()).toEqual([1]);
  });
});
