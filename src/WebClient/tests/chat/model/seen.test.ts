import { describe, expect, it } from 'vitest';
import { Seen } from '../../../src/chat/model/seen';

const epoch = 'e';

function having(...seqs: number[]): Seen {
  const seen = new Seen();
  for (const seq of seqs) seen.append(seq);
  return seen;
}

describe('Seen', () => {
  it('counts what lies behind the place read, whatever joined at which end', () => {
    const seen = having(10, 12, 15);
    seen.prepend([3, 7]);
    expect(seen.unread(1)).toBe(0);
    seen.readUpTo(3, epoch);
    expect(seen.unread(1)).toBe(4);
    seen.readUpTo(12, epoch);
    expect(seen.unread(1)).toBe(1);
    seen.dropBefore(15);
    expect(seen.unread(15)).toBe(1);
  });

  it('never goes back, but to the place of another life of the log', () => {
    const seen = having(4);
    expect(seen.readUpTo(9, epoch)).toBe(true);
    expect(seen.readUpTo(5, epoch)).toBe(false);
    expect(seen.isOfAnother('new')).toBe(true);
    expect(seen.readUpTo(1, 'new')).toBe(true);
    expect(seen.seq).toBe(1);
  });

  it('takes the server’s count for what is not here, and counts on from its head', () => {
    const seen = having(101, 102);
    seen.told({ seq: 10, epoch, unread: 40 }, 100);
    expect(seen.unread(101)).toBe(42);
    // What was between has been read in: it is counted here.
    expect(seen.unread(11)).toBe(2);
    seen.isHere();
    expect(seen.unread(101)).toBe(2);
  });
});
