import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Me, session as Session } from '../../src/session/session.svelte';

const ana: Me = { account: 'a1', user: 'ana', name: 'Ana', kind: 'person', email: 'ana@example.org', administrator: false, sessionId: 's1' };
const kept = new Map<string, string>();
/** What was asked, oldest first; each is answered by hand. */
let asked: { call: string; answer: (status: number, body?: unknown) => void; fail: () => void }[];
let session: typeof Session;
/** Whose words were let go of, with the copies. */
let forgotten: (string | null)[];
/** Another tab says something. */
let hear: (data: unknown) => void;

beforeEach(async () => {
  vi.resetModules();
  forgotten = [];
  vi.doMock('../../src/store/store', () => ({ forget: async (leaver: string | null = null) => void forgotten.push(leaver) }));
  kept.clear();
  asked = [];
  vi.stubGlobal('BroadcastChannel', class {
    onmessage: ((event: { data: unknown }) => void) | null = null;
    constructor() {
      hear = (data) => this.onmessage?.({ data });
    }
    postMessage(): void {}
  });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal('fetch', (url: string, { method = 'GET' }: RequestInit) => {
    return new Promise((resolve, reject) => {
      asked.push({
        call: `${method} ${url}`,
        answer: (status, body) => resolve(new Response(body === undefined ? null : JSON.stringify(body), { status })),
        fail: () => reject(new TypeError('no network')),
      });
    });
  });
  ({ session } = await import('../../src/session/session.svelte'));
});

afterEach(() => vi.unstubAllGlobals());

async function checked(): Promise<void> {
  const check = session.check();
  asked.pop()!.answer(200, ana);
  await check;
}

it('P20: an answer from before the sign-out does not undo it', async () => {
  await checked();
  expect(session.status).toBe('in');
  const late = session.check();
  const left = session.signOut();
  expect(asked.map((one) => one.call)).toEqual(['GET /api/session', 'DELETE /api/session']);
  asked[1]!.answer(204);
  await left;
  asked[0]!.answer(200, ana);
  expect(await late).toBe('out');
  expect([session.status, session.me, session.farewell, kept.size]).toEqual(['out', null, 'left', 0]);
});

it('P20: an answer from before somebody came in does not send them away', async () => {
  const first = session.check();
  asked.shift()!.answer(401);
  await first;
  const late = session.check();
  const entered = session.signIn('ana', 'secret');
  asked[1]!.answer(200, {});
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  asked[2]!.answer(200, ana);
  expect((await entered).ok).toBe(true);
  asked[0]!.answer(401);
  await late;
  expect([session.status, session.me?.user]).toEqual(['in', 'ana']);
});

it('P20: of two answers the one that was asked for last counts, whichever comes first', async () => {
  await checked();
  const [older, newer] = [session.check(), session.check()];
  asked[1]!.answer(401);
  await newer;
  asked[0]!.answer(200, ana);
  await older;
  expect(session.status).toBe('out');
});

it('P19: whoever is only thought to be here is known as such until the server says so', async () => {
  await checked();
  expect(session.assumed).toBe(false);
  vi.resetModules();
  ({ session } = await import('../../src/session/session.svelte'));
  const unanswered = session.check();
  asked.pop()!.fail();
  await unanswered;
  expect([session.status, session.assumed, session.me?.email]).toEqual(['in', true, null]);
  await checked();
  expect([session.status, session.assumed, session.me?.email]).toEqual(['in', false, ana.email]);
});

it('who signs out in another tab is out of this one at once, although the server cannot be asked', async () => {
  await checked();
  hear({ word: 'changed', account: null });
  expect(session.status).toBe('in');
  hear({ word: 'left', account: 'somebody else' });
  expect(session.status).toBe('in');
  hear({ word: 'left', account: ana.account });
  expect([session.status, session.me, kept.size]).toEqual(['out', null, 0]);
  expect(forgotten).toContain(ana.account);
  for (const one of asked) one.fail();
  await vi.waitFor(() => expect(session.status).toBe('out'));
});

it('what somebody chose of how the page calls them is not what the next person finds, and how the page looks is', async () => {
  const [{ sounds, quietFrom }, { clock }, { recentEmoji }] = await Promise.all([import('../../src/lib/calls.svelte'), import('../../src/lib/clock.svelte'), import('../../src/lib/emoji/recent.svelte')]);
  await checked();
  sounds.choose('off');
  quietFrom.choose('9');
  clock.choose('h12');
  recentEmoji.take('🦜');
  const left = session.signOut();
  asked.pop()!.answer(204);
  await left;
  expect([sounds.current, quietFrom.current, clock.current, recentEmoji.all.includes('🦜')]).toEqual(['on', 'off', 'h12', false]);
  expect([...kept.keys()]).toEqual(['webmessenger.clock']);
});
