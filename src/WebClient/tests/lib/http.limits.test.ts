import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, patience } from '../../src/lib/http';

const asked: { url: string; init: RequestInit }[] = [];
const hangs = (): Promise<Response> => new Promise(() => undefined);
let server: () => Promise<Response>;

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    asked.push({ url, init });
    return server();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function unanswered(begun: Promise<unknown>, limit: number): Promise<void> {
  let settled = false;
  void begun.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(limit - 1);
  expect(settled).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await begun).toMatchObject({ ok: false, problem: { status: 0, code: 'unreachable', retryAfter: null } });
  expect(asked[0]!.init.signal!.aborted).toBe(true);
}

describe('call', () => {
  it('B4: an answer in time is taken, and its request is not stopped afterwards', async () => {
    server = () => Promise.resolve(new Response('{"a":1}'));
    expect(await call('GET', '/api/rooms')).toEqual({ ok: true, value: { a: 1 } });
    await vi.advanceTimersByTimeAsync(patience.changing);
    expect(asked[0]!.init.signal!.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('B4: a request on a connection that died counts as unanswered, a reading one sooner than one that changes something', async () => {
    server = hangs;
    await unanswered(call('GET', '/api/session'), patience.reading);
    asked.length = 0;
    await unanswered(call('PATCH', '/api/accounts/me', {}), patience.changing);
    expect(patience.reading).toBeLessThan(patience.changing);
  });

  it('B4: an answer whose body never ends is given up too', async () => {
    server = () => Promise.resolve(new Response(new ReadableStream()));
    await unanswered(call('GET', '/api/rooms'), patience.reading);
  });

  it('B4: whoever cannot wait that long says so', async () => {
    server = hangs;
    await unanswered(call('GET', '/api/session', undefined, 4_000), 4_000);
  });
});

describe('what the first script asked for', () => {
  const first = (answers: Record<string, Promise<Response>>) =>
    vi.stubGlobal('webmessenger', { asked: new Map(Object.entries(answers)), preload: () => undefined });

  it('P18: is taken once, and asked for anew after that', async () => {
    server = () => Promise.resolve(new Response('"late"'));
    first({ '/api/session': Promise.resolve(new Response('"early"')) });
    expect(await call('GET', '/api/session')).toEqual({ ok: true, value: 'early' });
    expect(asked).toHaveLength(0);
    expect(await call('GET', '/api/session')).toEqual({ ok: true, value: 'late' });
  });

  it('P18: says nothing about another path, another method, or a later time', async () => {
    server = () => Promise.resolve(new Response('"late"'));
    first({ '/api/session': Promise.resolve(new Response('"early"')) });
    expect(await call('GET', '/api/rooms')).toEqual({ ok: true, value: 'late' });
    expect(await call('DELETE', '/api/session')).toEqual({ ok: true, value: 'late' });
    vi.spyOn(performance, 'now').mockReturnValue(60_000);
    expect(await call('GET', '/api/session')).toEqual({ ok: true, value: 'late' });
  });

  it('B4: that hangs has the same limit', async () => {
    first({ '/api/session': hangs() });
    const begun = call('GET', '/api/session');
    await vi.advanceTimersByTimeAsync(patience.reading);
    expect(await begun).toMatchObject({ ok: false, problem: { status: 0 } });
  });
});
