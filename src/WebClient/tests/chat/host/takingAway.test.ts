import { afterEach, beforeEach, expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', activeElement: null, body: undefined }, configurable: true }));

import { TakingAway } from '../../../src/chat/host/takingAway.svelte';

let answer: Response;
let asked: string[];
let downloads: string[];

beforeEach(() => {
  [asked, downloads] = [[], []];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    return answer;
  });
});
afterEach(() => vi.unstubAllGlobals());

const taking = () => new TakingAway('pub', (address) => downloads.push(address));

it('a room is fetched by the browser once the server has answered for it', async () => {
  answer = Response.json({ id: 'pub', role: 'owner' });
  const one = taking();
  await one.take();
  expect([asked, downloads, one.begun, one.form.problem]).toEqual([['/api/rooms/pub'], ['/api/rooms/pub/export'], true, null]);
});

it.each([
  ['the server refuses', () => Response.json({ code: 'no_such_room' }, { status: 404 }), 'no_such_room'],
  ['the server is busy', () => new Response('', { status: 503, headers: { 'Retry-After': '5' } }), null],
  ['it is somebody else’s by now', () => Response.json({ id: 'pub', role: 'moderator' }), 'not_allowed'],
])('no download that fails without a word is begun where %s: the page says why', async (_, given, code) => {
  answer = given();
  const one = taking();
  await one.take();
  expect([downloads, one.begun, one.form.problem?.code]).toEqual([[], false, code]);
});
