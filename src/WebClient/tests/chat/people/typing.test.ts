import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TypingState } from '../../../src/chat/people/typing.svelte';

describe('TypingState', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('P33: ends within four seconds when nothing more is written', () => {
    const typing = new TypingState();
    typing.heard('bea');
    vi.advanceTimersByTime(3_500);
    expect(typing.users).toEqual(['bea']);
    vi.advanceTimersByTime(500);
    expect(typing.users).toEqual([]);
  });

  it('P33: goes on for somebody who says it again as often as the page does', () => {
    const [bea, here] = [new TypingState(), new TypingState()];
    for (let second = 0; second < 12; second++) {
      if (bea.shouldSay(1_000_000 + second * 1_000)) here.heard('bea');
      vi.advanceTimersByTime(1_000);
      expect(here.users).toEqual(['bea']);
    }
  });

  it('P33: ends with the message, with leaving, and with the connection', () => {
    const typing = new TypingState();
    for (const user of ['bea', 'caio', 'dora']) typing.heard(user);
    typing.stopped('bea');
    expect(typing.users).toEqual(['caio', 'dora']);
    typing.clear();
    expect(typing.users).toEqual([]);
  });
});
