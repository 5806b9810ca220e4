import { afterEach, beforeEach, expect, it, vi } from 'vitest';

type Listener = (event: unknown) => void;
const scope = 'https://chat.example.org/';
let listeners: Record<string, Listener>;
let kept: () => Promise<Response | undefined>;
const openWindow = vi.fn(async () => null);
let clients: unknown[];
let server: () => Promise<Response>;

beforeEach(async () => {
  vi.resetModules();
  listeners = {};
  clients = [];
  openWindow.mockClear();
  const storage = { match: () => kept(), keys: async () => [], open: async () => (await kept(), { match: () => kept() }) };
  vi.stubGlobal('FILES', []);
  vi.stubGlobal('VERSION', 'now');
  vi.stubGlobal('caches', storage);
  vi.stubGlobal('fetch', () => server());
  vi.stubGlobal('self', {
    registration: { scope },
    clients: { matchAll: async () => clients, openWindow },
    addEventListener: (name: string, listener: Listener) => (listeners[name] = listener),
  });
  await import('../../src/sw/serviceWorker');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open(): Promise<Response> {
  let answer!: Promise<Response>;
  listeners['fetch']!({
    request: { method: 'GET', url: `${scope}rooms/lobby`, mode: 'navigate' },
    resultingClientId: '1',
    waitUntil: () => undefined,
    respondWith: (given: Promise<Response>) => (answer = given),
  });
  return answer;
}

it('P19: the page of the server is shown though the browser cannot read its cache', async () => {
  server = async () => new Response('fresh');
  kept = () => Promise.reject(new Error('The disk is broken.'));
  expect(await (await open()).text()).toBe('fresh');
});

it('P19: the kept page is shown when the server is slow, whatever it says later', async () => {
  vi.useFakeTimers();
  let fail!: (error: Error) => void;
  server = () => new Promise((_, reject) => (fail = reject));
  kept = async () => new Response('kept');
  const answer = open();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await (await answer).text()).toBe('kept');
  // Unheard, this would fail the test run.
  fail(new Error('The network is gone.'));
});

async function press(data: unknown): Promise<ReturnType<typeof vi.fn>> {
  const close = vi.fn();
  let done: Promise<unknown> = Promise.resolve();
  listeners['notificationclick']!({ notification: { data, close }, waitUntil: (given: Promise<unknown>) => (done = given) });
  await done;
  return close;
}

it('a press on a notification leads to the message in the page that is open, else in a new one', async () => {
  expect(await press({ address: '/rooms/lobby?seq=5' })).toHaveBeenCalledOnce();
  expect(openWindow).toHaveBeenCalledExactlyOnceWith(`${scope}rooms/lobby?seq=5`);
  const [hidden, seen] = [false, true].map((focused) => ({ focused, visibilityState: 'hidden', focus: vi.fn(async () => {}), postMessage: vi.fn() }));
  clients = [hidden, seen];
  await press({ address: '/rooms/lobby?seq=6' });
  expect(seen!.postMessage).toHaveBeenCalledExactlyOnceWith({ type: 'open', address: '/rooms/lobby?seq=6' });
  expect([seen!.focus.mock.calls.length, hidden!.postMessage.mock.calls.length, openWindow.mock.calls.length]).toEqual([1, 0, 1]);
});

it('a press on what is none of the page’s opens nothing', async () => {
  for (const data of [null, { address: 'https://elsewhere.example/' }, { address: 7 }]) await press(data);
  expect(openWindow).not.toHaveBeenCalled();
});
