import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inbox } from '../../../src/chat/inbox/inbox.svelte';
import { readTold, type Told } from '../../../src/chat/model/told';
import type { Copy } from '../../../src/store/store';

const whisper = (seq: number, more: object = {}) => ({
  type: 'whisper',
  seq,
  epoch: 'e',
  id: null,
  at: '2026-11-28T12:00:00Z',
  from: { user: 'bea', name: 'Béa', kind: 'person' },
  text: `whisper ${seq}`,
  with: 'bea',
  cseq: seq,
  cepoch: 'c',
  ...more,
});

/** `live`: what was missed has come. `there`: up to where the list had it when it came first. */
async function newInbox(copy: Copy | null = null, live = true, there = 0) {
  let kept: (() => Omit<Copy, 'account'> | null) | null = null;
  let read = 0;
  const subscribed = vi.fn(async () => 'granted');
  const inbox = new Inbox({ me: 'ana', isRead: ({ event }: Told) => event.seq <= read, wasThere: ({ event }: Told) => event.seq <= there, keep: (_, value) => (kept = value) }, Promise.resolve(copy));
  await inbox.attach({ subscribe: subscribed } as unknown as Parameters<Inbox['attach']>[0]);
  if (live) vi.advanceTimersByTime(5_000);
  return {
    inbox,
    subscribed,
    hears: (value: object) => inbox.receive(value, readTold(value)),
    reads: (seq: number) => (read = seq),
    onTop: () => inbox.onTop.map((one) => one.seq),
    copy: (): Copy => ({ account: 'ana', ...kept!()! }),
  };
}

describe('Inbox', () => {
  beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-28T11:59:00Z') }));
  afterEach(() => void vi.useRealTimers());

  it('P9: of what was missed in this visit only the newest is on top, and nothing that was said before it', async () => {
    const { hears, onTop, copy } = await newInbox(null, false, 1);
    hears(whisper(1, { at: '2026-11-28T11:58:00Z' }));
    expect(onTop()).toEqual([]);
    for (const seq of [2, 3]) hears(whisper(seq));
    expect(onTop()).toEqual([3]);
    vi.advanceTimersByTime(5_000);
    hears(whisper(4));
    expect(onTop()).toEqual([3, 4]);
    vi.setSystemTime('2026-11-28T12:10:00Z');
    const next = await newInbox(copy(), false, 5);
    expect(next.subscribed).toHaveBeenCalledWith('users/ana', 1, { after: 4, epoch: 'e' });
    next.hears(whisper(5));
    expect(next.onTop()).toEqual([]);
    // Said by now, whatever the clock of this device says.
    next.hears(whisper(6));
    expect(next.onTop()).toEqual([6]);
  });

  it('P9: at most three are on top of the page, and one that had to make room does not come back', async () => {
    const { inbox, hears, onTop } = await newInbox();
    for (const seq of [1, 2, 3]) hears(whisper(seq));
    expect(onTop()).toEqual([1, 2, 3]);
    hears(whisper(4));
    expect(onTop()).toEqual([2, 3, 4]);
    for (const seq of [3, 4, 2]) inbox.putAway(seq);
    expect(onTop()).toEqual([]);
    hears(whisper(5));
    expect(onTop()).toEqual([5]);
  });

  it('shows nothing any more of whom this account has answered, here or elsewhere', async () => {
    const { hears, onTop } = await newInbox();
    hears(whisper(1));
    hears(whisper(2, { with: 'caio', cseq: 1 }));
    hears({ ...whisper(3), type: 'sent', from: { user: 'ana', name: 'Ana', kind: 'bot' } });
    expect(onTop()).toEqual([1, 2, 3]);
    hears({ ...whisper(4), type: 'sent', from: { user: 'ana', name: 'Ana', kind: 'person' } });
    expect(onTop()).toEqual([2]);
  });

  it('shows nothing that was read in its conversation, nor what this account has said itself', async () => {
    const { hears, reads, onTop } = await newInbox();
    hears(whisper(1));
    hears({ ...whisper(2), type: 'sent', with: 'caio', from: { user: 'ana', name: 'Ana', kind: 'person' } });
    expect(onTop()).toEqual([1]);
    reads(1);
    hears(whisper(3));
    expect(onTop()).toEqual([3]);
  });

  it('follows what is changed, and keeps no words of what was deleted, nor any for the next visit', async () => {
    const { inbox, hears, onTop, copy } = await newInbox();
    hears(whisper(1));
    hears(whisper(2, { type: 'edit', of: 1, text: 'better words' }));
    expect(inbox.onTop[0]!.event.text).toBe('better words');
    expect(JSON.stringify(copy())).not.toContain('words');
    hears(whisper(3, { type: 'delete', of: 1, text: undefined }));
    expect(onTop()).toEqual([]);
  });

  it('takes its place from a copy that an earlier version of the page has made, and drops the words', async () => {
    const old = { account: 'ana', topic: 'inbox', epoch: 'e', oldest: 1, events: [{ seq: 6 }, { seq: 7 }], read: 7, room: null } as unknown as Copy;
    const { subscribed, onTop, copy } = await newInbox(old);
    expect(subscribed).toHaveBeenCalledWith('users/ana', 1, { after: 7, epoch: 'e' });
    expect([onTop(), copy().events]).toEqual([[], []]);
  });

  it('begins anew with another inbox', async () => {
    const { inbox, hears, onTop } = await newInbox();
    hears(whisper(7));
    inbox.putAway(7);
    hears({ ...whisper(1), epoch: 'another' });
    expect(onTop()).toEqual([1]);
  });
});
