import { describe, expect, it } from 'vitest';
import { Pulse } from '../../src/lib/pulse';

const minute = 60_000;

/** What ticks every five seconds say until one says `dead`; each `ask` is followed. */
function silence(pulse: Pulse, from: number, every = 5_000): number {
  for (let now = from; now <= from + minute; now += every) {
    const says = pulse.tick(now);
    if (says === 'dead') return now - from;
    if (says === 'ask') pulse.asked(now);
  }
  return Infinity;
}

describe('Pulse', () => {
  it('B4: a connection on which something comes is alive, whatever else', () => {
    const pulse = new Pulse(0);
    for (let now = 0; now < minute; now += 5_000) {
      pulse.asked(now);
      expect(pulse.tick(now)).toBe('alive');
      pulse.heard(now + 1);
    }
  });

  it('B4: a quiet connection is asked, and its answer is a sign of life', () => {
    const pulse = new Pulse(0);
    expect(pulse.tick(10_000)).toBe('alive');
    expect(pulse.tick(15_000)).toBe('ask');
    pulse.asked(15_000);
    pulse.heard(15_100);
    expect(pulse.tick(20_000)).toBe('alive');
  });

  it('B4: a connection that died without a word is noticed in half a minute', () => {
    expect(silence(new Pulse(0), 0)).toBeLessThanOrEqual(minute / 2);
  });

  it('B4: writing on and on to a dead connection does not put that off', () => {
    const pulse = new Pulse(0);
    pulse.asked(1_000);
    pulse.asked(10_000);
    expect(pulse.tick(13_000)).toBe('dead');
  });

  it('B4: ticks that come late in a tab that slept do not end a living connection', () => {
    const pulse = new Pulse(0);
    for (let now = minute; now < 10 * minute; now += minute) {
      expect(pulse.tick(now)).toBe('ask');
      pulse.asked(now);
      pulse.heard(now + 100);
    }
  });
});
