import { describe, expect, it } from 'vitest';
import type { Line } from '../../../src/chat/compose/outbox.svelte';
import { stranded } from '../../../src/chat/compose/stranded';

const line = (topic: string, state: Line['state']): Line => ({ account: 'ana', topic, id: `${topic} ${state}`, text: 'hello', replyTo: null, at: 0, refusal: null, order: 1, state, logged: null });

describe('stranded', () => {
  const opens = (room: string) => room === 'lobby';

  it('leaves a room that can be opened to show its own lines', () => {
    expect(stranded([line('rooms/lobby', 'failed'), line('rooms/lobby', 'waiting')], opens)).toEqual([]);
  });

  it('P30: finds what waits or was refused for a room that is lost, and leaves conversations to show their own lines', () => {
    const lost = [line('rooms/gone', 'failed'), line('rooms/gone', 'waiting')];
    expect(stranded([line('rooms/lobby', 'failed'), line('users/bea', 'failed'), ...lost, line('rooms/gone', 'sent')], opens)).toEqual(lost);
  });
});
