import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutOfSight } from '../../../src/chat/rooms/outOfSight.svelte';

/** A list from 0 to 100 whose lines are 10 high and begin at these places. */
function listOf(...tops: number[]) {
  const box = (top: number, bottom: number) => ({ getBoundingClientRect: () => ({ top, bottom }), top });
  const measured = vi.fn(() => ({ top: 0, bottom: 100 }));
  const list = { isConnected: true, getBoundingClientRect: measured, querySelectorAll: () => tops.map((top) => box(top, top + 10)) };
  return { list: list as unknown as HTMLElement, measured };
}

describe('OutOfSight', () => {
  let frames: (() => void)[] = [];
  beforeEach(() => {
    frames = [];
    vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
    vi.stubGlobal('cancelAnimationFrame', () => (frames = []));
  });
  afterEach(() => vi.unstubAllGlobals());
  const frame = () => frames.splice(0).forEach((run) => run());

  it('counts the lines beyond either end, and finds the nearest', () => {
    const { list } = listOf(-50, -20, 30, 97, 200);
    const sight = new OutOfSight(() => list, '[data-unread]');
    sight.look();
    frame();
    expect([sight.above, sight.below]).toEqual([2, 2]);
    expect([sight.nearest('above'), sight.nearest('below')]).toMatchObject([{ top: -20 }, { top: 97 }]);
  });

  it('lays the page out once a frame, however often something changes', () => {
    const { list, measured } = listOf(200);
    const sight = new OutOfSight(() => list, '[data-unread]');
    for (let times = 0; times < 100; times++) sight.look();
    expect(measured).not.toHaveBeenCalled();
    frame();
    expect(measured).toHaveBeenCalledTimes(1);
    sight.look();
    frame();
    expect(measured).toHaveBeenCalledTimes(2);
  });

  it('measures no list that is gone', () => {
    const { list, measured } = listOf(200);
    const sight = new OutOfSight(() => list, '[data-unread]');
    sight.look();
    sight.stop();
    frame();
    new OutOfSight(() => undefined, '[data-unread]').look();
    frame();
    expect(measured).not.toHaveBeenCalled();
  });
});
