import { describe, expect, it } from 'vitest';
import type { HistoryPage, RoomEvent } from '../../../src/chat/model/protocol';
import { Timeline, type TimelineReader } from '../../../src/chat/model/timeline';

const epoch = 'k3f9';
const nobody: TimelineReader = { appended() {}, prepended() {}, droppedBefore() {}, cleared() {} };

function event(seq: number, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type: 'message', room: 'lobby', seq, epoch, id: `id-${seq}`, at: '2026-11-22T23:00:00Z', from: { user: 'bob', name: 'Bob', kind: 'person' }, text: `${seq}`, replyTo: null, of: null, emoji: '', ...more };
}

function page(from: number, to: number, head = to, of = epoch): HistoryPage {
  const events = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => event(from + index, { epoch: of }));
  return { epoch: of, head, first: 1, events };
}

const seqs = (timeline: Timeline) => timeline.events.map((entry) => entry.seq);

describe('Timeline', () => {
  it('holds what arrives before the first page, and joins it to the page', () => {
    const timeline = new Timeline(nobody);
    expect(timeline.receive(event(12))).toBe(false);
    expect(timeline.receive(event(13))).toBe(false);
    expect(seqs(timeline)).toEqual([]);
    timeline.addNewer(page(5, 12));
    expect(seqs(timeline)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(timeline.hasGap).toBe(false);
  });

  it('shows an event once, however often it comes', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 3));
    expect(timeline.receive(event(4))).toBe(true);
    expect(timeline.receive(event(4))).toBe(false);
    timeline.addNewer(page(3, 5));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5]);
  });

  it('shows nothing from beyond a hole until what lies between has been read', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 3));
    expect(timeline.receive(event(6))).toBe(false);
    expect(timeline.hasGap).toBe(true);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
    timeline.addNewer(page(4, 5));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(timeline.hasGap).toBe(false);
  });

  it('starts over from a page that lies far ahead', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 3));
    timeline.addNewer(page(900, 902));
    expect(seqs(timeline)).toEqual([900, 901, 902]);
    expect(timeline.atStart).toBe(false);
  });

  it('lets go of what the server keeps no more, and goes on', () => {
    let dropped = 0;
    const timeline = new Timeline({ ...nobody, droppedBefore: (seq) => (dropped = seq) });
    timeline.addNewer(page(1, 9));
    timeline.addNewer({ ...page(10, 11), first: 8 });
    expect(seqs(timeline)).toEqual([8, 9, 10, 11]);
    expect([dropped, timeline.atStart]).toEqual([8, true]);

    timeline.addNewer({ ...page(12, 11), head: 11, first: 12 });
    expect(seqs(timeline)).toEqual([]);
    expect(timeline.receive(event(12))).toBe(true);
    expect(seqs(timeline)).toEqual([12]);
  });

  it('begins at 1 in an empty room', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer({ ...page(1, 0), first: 0 });
    expect(timeline.atStart).toBe(true);
    expect(timeline.receive(event(1))).toBe(true);
    expect(seqs(timeline)).toEqual([1]);
  });

  it('is at the start when the server keeps nothing older', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer({ ...page(50, 52), first: 40 });
    expect(timeline.atStart).toBe(false);
    timeline.addOlder({ ...page(40, 49, 52), first: 40 });
    expect(timeline.atStart).toBe(true);
  });

  it('puts older pages above, without what is known', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(50, 52));
    expect(timeline.addOlder(page(1, 50, 52))).toBe(true);
    expect(seqs(timeline)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
    expect(timeline.atStart).toBe(true);
  });

  it('leaves no hole when lines were let go of while the page above them was read', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(51, 100));
    timeline.trim(10);
    expect(timeline.addOlder(page(1, 50, 100))).toBe(true);
    expect(seqs(timeline)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
    expect(timeline.atStart).toBe(false);
  });

  it('reads anew when the epoch changes', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 9));
    expect(timeline.receive(event(2, { epoch: 'new' }))).toBe(false);
    expect(timeline.hasGap).toBe(true);
    expect(timeline.addOlder(page(1, 3))).toBe(false);
    timeline.addNewer(page(1, 2, 2, 'new'));
    expect(timeline.epoch).toBe('new');
    expect(seqs(timeline)).toEqual([1, 2]);
  });

  it('forgets the old run when a page of another epoch comes first', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 9));
    timeline.addNewer(page(1, 2, 2, 'new'));
    expect(seqs(timeline)).toEqual([1, 2]);
  });

  it('goes on from what an earlier visit knew, and knows from where', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(40, 60));
    expect([timeline.last, timeline.epoch]).toEqual([60, epoch]);
    timeline.addNewer(page(61, 75));
    expect(seqs(timeline)).toEqual(Array.from({ length: 36 }, (_, index) => index + 40));
    timeline.addNewer({ ...page(1, 0), head: 75 });
    expect(timeline.last).toBe(75);
  });

  it('counts types that it does not know, so that they leave no hole', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 1));
    expect(timeline.receive(event(2, { type: 'sticker' }))).toBe(true);
    expect(timeline.receive(event(3))).toBe(true);
    expect(timeline.hasGap).toBe(false);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
  });

  it('is in order, whatever the order of arrival', () => {
    // A busy room, cut and caught up: live events, pages that overlap, everything twice.
    const arrivals: (RoomEvent | HistoryPage)[] = [page(1, 5), event(9), event(8), page(4, 7), event(9), event(12), page(6, 10), event(11), event(10)];
    const timeline = new Timeline(nobody);
    for (const arrival of arrivals) {
      if ('events' in arrival) timeline.addNewer(arrival);
      else timeline.receive(arrival);
      const shown = seqs(timeline);
      expect(shown).toEqual(shown.map((_, index) => shown[0]! + index));
    }
    expect(timeline.last).toBe(12);
  });

  it('trims the oldest, which are no longer the start', () => {
    const timeline = new Timeline(nobody);
    timeline.addNewer(page(1, 10));
    timeline.trim(4);
    expect(seqs(timeline)).toEqual([7, 8, 9, 10]);
    expect(timeline.atStart).toBe(false);
  });

  it('tells what joins and what leaves, so that a reader who only listens holds the same run', () => {
    let copy: RoomEvent[] = [];
    const timeline = new Timeline({
      appended: (events) => (copy = [...copy, ...events]),
      prepended: (events) => (copy = [...events, ...copy]),
      droppedBefore: (seq) => (copy = copy.filter((one) => one.seq >= seq)),
      cleared: () => (copy = []),
    });
    const same = () => expect(copy.map((one) => one.seq)).toEqual(seqs(timeline));
    timeline.receive(event(22));
    timeline.addNewer(page(11, 20));
    same();
    timeline.addNewer(page(21, 21));
    same();
    timeline.addOlder(page(1, 10));
    same();
    timeline.trim(5);
    same();
    timeline.addNewer(page(40, 45));
    same();
    timeline.receive(event(46, { epoch: 'new' }));
    same();
  });
});
