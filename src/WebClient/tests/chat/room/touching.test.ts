import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { touching } from '../../../src/chat/room/touching';

/** In place of a message: it tells its listeners what a finger does. */
class Message extends EventTarget {
  readonly style = { translate: '' };
  /** What is touched in it, besides its words. */
  on: 'button' | null = null;

  /** Answers whether the browser does with it what it does by itself. */
  touch(type: string, more: object = {}): boolean {
    const event = Object.assign(new Event(type, { cancelable: true }), { pointerType: 'touch', isPrimary: true, clientX: 0, clientY: 0, ...more });
    const target = { closest: (which: string) => (this.on !== null && which.includes(this.on) ? { closest: () => null } : null) };
    Object.defineProperty(event, 'target', { value: target });
    return this.dispatchEvent(event);
  }
}

describe('touching', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('presses nothing by the going away of the finger that rested, and lets the next one press what it asks', () => {
    const onrest = vi.fn();
    const message = new Message();
    touching({ onrest, onswipe() {} })(message as unknown as HTMLElement);
    message.touch('pointerdown');
    vi.advanceTimersByTime(500);
    expect(onrest).toHaveBeenCalledOnce();
    message.touch('pointerdown', { isPrimary: false });
    expect(message.touch('touchend')).toBe(false);

    message.on = 'button';
    message.touch('pointerdown');
    vi.advanceTimersByTime(500);
    expect([message.touch('touchend'), message.touch('contextmenu'), onrest.mock.calls.length]).toEqual([true, true, 1]);
  });
});
