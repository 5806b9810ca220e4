import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';

// It wants a browser: FirstVisitTests of tests/EndToEnd.Tests.
vi.mock('../../src/app/start', () => ({ watchStart: () => undefined }));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** What the document's first script asks for at an address below the base, when somebody was here before. */
async function askedAt(path: string): Promise<string[]> {
  vi.stubGlobal('PARTS', {});
  vi.stubGlobal('document', { baseURI: 'https://chat.example.org/chat/', documentElement: { style: {}, dataset: {} } });
  vi.stubGlobal('location', new URL(`https://chat.example.org/chat/${path}`));
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('localStorage', { getItem: (name: string) => (name === 'webmessenger.me' ? '{}' : null) });
  vi.stubGlobal('fetch', async () => new Response('{}'));
  await import('../../src/app/first');
  return [...globalThis.webmessenger!.asked.keys()];
}

/** As the page's own list of rooms will ask for them. */
const lists = ['/api/rooms?mine=true&limit=200', '/api/rooms?limit=50'];

it.each(['', 'rooms/lobby', 'rooms/lobby/'])('P18: at %j the room is asked for before the page is there, and as much of it as the page will ask for', async (path) => {
  // The room's own constant: an answer of another length would not be taken.
  const pageLength = /^const pageLength = (\d+);/m.exec(readFileSync('src/chat/room/history.ts', 'utf8'))![1];
  expect(await askedAt(path)).toEqual(['/api/session', ...lists, '/api/rooms/lobby', `/api/rooms/lobby/events?limit=${pageLength}`]);
});

it.each(['rooms', 'rooms/LOBBY', 'rooms/a/b', `rooms/${'a'.repeat(65)}`, 'account'])('P18: at %j no room is asked for', async (path) => {
  expect(await askedAt(path)).toEqual(['/api/session', ...lists]);
});
