import { describe, expect, it } from 'vitest';
import { newerReading } from '../../../src/chat/model/reading';

const epoch = 'k3f9';

describe('what is unread in a room that is not open', () => {
  it('P6: is what the server says', () => {
    expect(newerReading(undefined, { seq: 4, epoch, unread: 2 }, 7)).toMatchObject({ seq: 4, epoch, unread: 2, head: 7 });
    expect(newerReading({ seq: 4, epoch, unread: 2, head: 7 }, { seq: 4, epoch, unread: 3 }, 8)).toMatchObject({ seq: 4, epoch, unread: 3, head: 8 });
  });

  it('P6: does not come back when the server has not heard yet that it was read', () => {
    const read = { seq: 7, epoch, unread: 0, head: 7 };
    expect(newerReading(read, { seq: 4, epoch, unread: 2 }, 7)).toMatchObject(read);
  });

  it('P6: counts no more than what came after the place that was read here', () => {
    const read = { seq: 7, epoch, unread: 0, head: 7 };
    expect(newerReading(read, { seq: 4, epoch, unread: 4 }, 9)).toMatchObject({ seq: 7, epoch, unread: 2, head: 9 });
  });

  it('P6: goes forward with what another device read, whose message names no head', () => {
    expect(newerReading({ seq: 4, epoch, unread: 3, head: 8 }, { seq: 8, epoch, unread: 0 }, 0)).toMatchObject({ seq: 8, epoch, unread: 0, head: 8 });
  });

  it('P6: begins anew with another epoch', () => {
    expect(newerReading({ seq: 70, epoch: 'old', unread: 0, head: 70 }, { seq: 1, epoch, unread: 1 }, 2)).toMatchObject({ seq: 1, epoch, unread: 1, head: 2 });
  });

  it('goes back only behind what the server said itself', () => {
    const said = newerReading(undefined, { seq: 7, epoch, unread: 0 }, 7);
    expect(newerReading({ ...said, seq: 9, head: 9 }, { seq: 7, epoch, unread: 2 }, 9)).toMatchObject({ seq: 9, unread: 0 });
    expect(newerReading(said, { seq: 4, epoch, unread: 3 }, 7)).toMatchObject({ seq: 4, unread: 3 });
  });
});
