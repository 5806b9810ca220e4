import { describe, expect, it } from 'vitest';
import { readRequest } from '../../../src/chat/host/joinRequests.svelte';
import { readReport } from '../../../src/chat/host/reports.svelte';

const caio = { user: 'caio', name: 'Caio', kind: 'person' };

describe('what waits to be decided', () => {
  it('is a message as it was, also by somebody who has no account any more', () => {
    const said = { id: '1-a', seq: 5, author: caio, text: 'a rude word', reason: 'Rude.', at: '2026-11-28T20:00:00.000Z', state: 'open', until: '2026-12-28T20:00:00.000Z' };
    expect(readReport({ ...said, from: null })).toEqual({ ...said, from: null });
    expect(readReport({ ...said, state: 'later', from: caio })).toMatchObject({ state: 'open', from: { user: 'caio' } });
  });

  it('is nothing that cannot be read', () => {
    expect([null, {}, { id: '1', seq: '5', author: caio }, { id: '1', seq: 5 }].map(readReport)).toEqual([null, null, null, null]);
    expect([null, 'x', { note: 'x' }].map(readRequest)).toEqual([null, null, null]);
    expect(readRequest({ ...caio, note: 'I know Bea.', at: '2026-11-28T20:00:00.000Z' })).toMatchObject({ user: 'caio', note: 'I know Bea.' });
  });
});
