import { describe, expect, it } from 'vitest';
import type { HistoryPage, RoomEvent } from '../../src/chat/protocol';
import { Timeline, type Pending } from '../../src/chat/timeline';

const epoch = 'k3f9';

function event(seq: number, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type: 'message', room: 'lobby', seq, epoch, id: `id-${seq}`, at: '2026-11-22T23:00:00Z', from: { user: 'bob', name: 'Bob', kind: 'person' }, text: `${seq}`, ...more };
}

function page(from: number, to: number, head = to, of = epoch): HistoryPage {
  const events = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => event(from + index, { epoch: of }));
  return { epoch: of, head, first: 1, events };
}

function pending(id: string): Pending {
  return { id, text: 'hello', at: 0, state: 'sending', reason: null };
}

const mine = (seq: number, id: string) => event(seq, { id, from: { user: 'ana', name: 'Ana', kind: 'person' } });
const seqs = (timeline: Timeline) => timeline.events.map((entry) => entry.seq);

describe('Timeline', () => {
  it('holds what arrives before the first page, and joins it to the page', () => {
    const timeline = new Timeline('ana');
    expect(timeline.receive(event(12))).toBe(false);
    expect(timeline.receive(event(13))).toBe(false);
    expect(seqs(timeline)).toEqual([]);
    timeline.addNewer(page(5, 12));
    expect(seqs(timeline)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(timeline.hasGap).toBe(false);
  });

  it('shows an event once, however often it comes', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    expect(timeline.receive(event(4))).toBe(true);
    expect(timeline.receive(event(4))).toBe(false);
    timeline.addNewer(page(3, 5));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5]);
  });

  it('shows nothing from beyond a hole until what lies between has been read', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    expect(timeline.receive(event(6))).toBe(false);
    expect(timeline.hasGap).toBe(true);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
    timeline.addNewer(page(4, 5));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(timeline.hasGap).toBe(false);
  });

  it('starts over from a page that lies far ahead', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    timeline.addNewer(page(900, 902));
    expect(seqs(timeline)).toEqual([900, 901, 902]);
    expect(timeline.atStart).toBe(false);
  });

  it('begins at 1 in an empty room', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer({ ...page(1, 0), first: 0 });
    expect(timeline.atStart).toBe(true);
    expect(timeline.receive(event(1))).toBe(true);
    expect(seqs(timeline)).toEqual([1]);
  });

  it('is at the start when the server keeps nothing older', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer({ ...page(50, 52), first: 40 });
    expect(timeline.atStart).toBe(false);
    timeline.addOlder({ ...page(40, 49, 52), first: 40 });
    expect(timeline.atStart).toBe(true);
  });

  it('puts older pages above, without what is known', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(50, 52));
    expect(timeline.addOlder(page(1, 50, 52))).toBe(true);
    expect(seqs(timeline)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
    expect(timeline.atStart).toBe(true);
  });

  it('reads anew when the epoch changes, and keeps what is still to be sent', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 9));
    timeline.send(pending('mine'));
    expect(timeline.receive(event(2, { epoch: 'new' }))).toBe(false);
    expect(timeline.hasGap).toBe(true);
    expect(timeline.addOlder(page(1, 3))).toBe(false);
    timeline.addNewer(page(1, 2, 2, 'new'));
    expect(timeline.epoch).toBe('new');
    expect(seqs(timeline)).toEqual([1, 2]);
    expect(timeline.pending.map((line) => line.id)).toEqual(['mine']);
  });

  it('forgets the old run when a page of another epoch comes first', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 9));
    timeline.addNewer(page(1, 2, 2, 'new'));
    expect(seqs(timeline)).toEqual([1, 2]);
  });

  it('lets the echo take the place of the pending line', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    timeline.send(pending('mine'));
    timeline.receive(mine(4, 'mine'));
    expect(timeline.pending).toEqual([]);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
  });

  it('lets a page settle what was sent before the connection went', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    timeline.send(pending('mine'));
    timeline.addNewer({ epoch, head: 4, first: 1, events: [mine(4, 'mine')] });
    expect(timeline.pending).toEqual([]);
  });

  it('keeps the pending line when somebody else uses its id', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    timeline.send(pending('id-4'));
    timeline.receive(event(4));
    expect(timeline.pending).toHaveLength(1);
  });

  it('marks lines as sent, failed and sending again', () => {
    const timeline = new Timeline('ana');
    timeline.send(pending('a'));
    timeline.acknowledged('a');
    expect(timeline.pending[0]!.state).toBe('sent');
    timeline.failed('a', { code: 0x97, text: 'slow down' });
    expect(timeline.pending[0]).toMatchObject({ state: 'failed', reason: { code: 0x97 } });
    expect(timeline.retry('a')).toMatchObject({ id: 'a', state: 'sending', reason: null });
    timeline.discard('a');
    expect(timeline.pending).toEqual([]);
  });

  it('lets go of acknowledged lines whose events lie in a part that is skipped', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 3));
    timeline.send(pending('sent'));
    timeline.send(pending('sending'));
    timeline.acknowledged('sent');
    timeline.addNewer(page(4, 4));
    expect(timeline.pending).toHaveLength(2);
    timeline.addNewer(page(900, 902));
    expect(timeline.pending.map((line) => line.id)).toEqual(['sending']);
  });

  it('trims the oldest, which are no longer the start', () => {
    const timeline = new Timeline('ana');
    timeline.addNewer(page(1, 10));
    timeline.trim(4);
    expect(seqs(timeline)).toEqual([7, 8, 9, 10]);
    expect(timeline.atStart).toBe(false);
  });
});
