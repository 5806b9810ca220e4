import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const links: { opened(): void; closed(moved: boolean): void }[] = [];
vi.mock('../../../src/chat/link/link', () => ({
  Link: class {
    constructor(_clientId: string, events: { opened(): void; closed(moved: boolean): void }) {
      links.push(events);
    }
    close = () => undefined;
    abandon = () => undefined;
  },
}));
vi.mock('../../../src/store/store', () => ({ forget: async () => undefined }));

import { Connection } from '../../../src/chat/link/connection.svelte';
import { update } from '../../../src/lib/update.svelte';
import { session } from '../../../src/session/session.svelte';

beforeEach(() => {
  links.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal('navigator', { onLine: true });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
  vi.spyOn(session, 'check').mockImplementation(async () => 'in');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('a page that is sent to another node comes there at once, says nothing of it, and looks for a newer page', async () => {
  const look = vi.spyOn(update, 'look').mockImplementation(async () => undefined);
  const connection = new Connection({ opened: () => undefined, message: () => undefined, closed: () => undefined });
  connection.start();
  await vi.advanceTimersByTimeAsync(0);
  links[0]?.opened();
  expect(connection.status).toBe('online');

  links[0]?.closed(true);
  expect(connection.status).toBe('connecting');
  await vi.advanceTimersByTimeAsync(400);
  expect(links.length).toBe(2);
  links[1]?.opened();
  expect([connection.status, look.mock.calls.length]).toEqual(['online', 1]);
  connection.stop();
});

it('says that the connection is lost when the other node cannot be reached either', async () => {
  const connection = new Connection({ opened: () => undefined, message: () => undefined, closed: () => undefined });
  connection.start();
  await vi.advanceTimersByTimeAsync(0);
  links[0]?.opened();
  links[0]?.closed(true);
  await vi.advanceTimersByTimeAsync(400);
  links[1]?.closed(false);
  expect(connection.status).toBe('reconnecting');
  connection.stop();
});
