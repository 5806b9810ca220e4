import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Alerts } from '../../../src/chat/alerts/alerts';
import { desktop, quietFrom, quietUntil } from '../../../src/lib/calls.svelte';
import type { RoomEvent } from '../../../src/chat/model/protocol';
import type { Level } from '../../../src/chat/model/level';

const shown: string[] = [];
/** What stands on the desktop now: the title by its tag. */
const open = new Map<string, string>();
const levels = new Map<string, Level>();
const from = { user: 'bea', name: 'Béa', kind: 'person' as const };
const calling = { type: 'mention' as const, seq: 1, epoch: 'e', at: '', from, room: 'lobby', of: 5, excerpt: 'hi @ana' };
const unread = (room: string, count: number) => [{ room, head: 9, seq: 1, epoch: 'e', unread: count }];
const page = { hidden: true };
const alerts: Alerts[] = [];

/** A tab that has been there for a while, and holds its place among the others. */
async function tab(): Promise<Alerts> {
  const one = new Alerts({ account: 'a1', me: 'ana', levelOf: (room) => levels.get(room) ?? 'all', titleOf: (room) => room, go() {} });
  alerts.push(one);
  one.start();
  for (let passed = 0; passed < 8; passed++) await vi.advanceTimersByTimeAsync(1_000);
  return one;
}

beforeEach(() => {
  vi.useFakeTimers();
  shown.length = 0;
  open.clear();
  levels.clear();
  page.hidden = true;
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('removeEventListener', () => {});
  vi.stubGlobal('navigator', { locks: locksOf() });
  vi.stubGlobal('Worker', undefined);
  vi.stubGlobal('Notification', class {
    readonly #tag: string;
    constructor(title: string, { body, tag }: NotificationOptions) {
      shown.push(`${title}: ${body}`);
      open.set(tag!, title);
      this.#tag = tag!;
    }
    close(): void {
      open.delete(this.#tag);
    }
  });
  desktop.state = 'granted';
});

afterEach(() => {
  for (const one of alerts.splice(0)) one.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  quietFrom.take(null);
  quietUntil.take(null);
});

/** As much of the browser's locks as is used. */
function locksOf() {
  const held: string[] = [];
  const waiting: { name: string; start: () => void }[] = [];
  return {
    query: async () => ({ held: held.map((name) => ({ name })) }),
    async request(name: string, options: { mode?: string }, action: () => Promise<void>) {
      if (options.mode !== 'shared' && held.includes(name)) await new Promise<void>((resolve) => waiting.push({ name, start: resolve }));
      held.push(name);
      await action();
      held.splice(held.indexOf(name), 1);
      waiting.splice(waiting.findIndex((one) => one.name === name), 1)[0]?.start();
    },
  };
}

async function told(act: () => void): Promise<string[]> {
  shown.length = 0;
  act();
  await vi.advanceTimersByTimeAsync(10);
  return [...shown];
}

it('one tab of two tells, and the other when that one is gone', async () => {
  const [first, second] = [await tab(), await tab()];
  expect(await told(() => [first, second].forEach((one) => one.called(calling)))).toHaveLength(1);
  first.stop();
  await vi.advanceTimersByTimeAsync(10);
  expect(await told(() => second.called(calling))).toHaveLength(1);
});

it('tells nothing of what was missed: on a new connection, and after sleep', async () => {
  const one = await tab();
  expect(await told(() => one.called(calling))).toHaveLength(1);
  one.connected();
  expect(await told(() => one.called(calling))).toEqual([]);
  await vi.advanceTimersByTimeAsync(6_000);
  vi.setSystemTime(Date.now() + 60_000);
  expect(await told(() => one.called(calling))).toEqual([]);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(await told(() => one.called(calling))).toHaveLength(1);
});

it('shows nothing of what a spoiler hides, also where its end was cut off', async () => {
  const one = await tab();
  const excerpt = '@ana ||she dies|| in ||the la…';
  expect(await told(() => one.called({ ...calling, excerpt }))).toEqual(['Béa in lobby: @ana … in …']);
});

it('leaves whoever looks at the page alone, and whoever has quiet hours', async () => {
  const one = await tab();
  page.hidden = false;
  one.shows('garden');
  expect(await told(() => one.called(calling))).toEqual([]);
  page.hidden = true;
  one.shows('garden');
  quietFrom.take(String(new Date().getHours()));
  quietUntil.take(String((new Date().getHours() + 1) % 24));
  expect(await told(() => one.called(calling))).toEqual([]);
  quietFrom.take(null);
  expect(await told(() => one.called(calling))).toHaveLength(1);
});

it('tells of a room once until it was looked at, where all is wanted', async () => {
  const one = await tab();
  levels.set('quiet', 'mentions');
  for (const room of ['lobby', 'quiet']) one.counted(unread(room, 0));
  expect(await told(() => one.counted(unread('quiet', 1)))).toEqual([]);
  expect(await told(() => one.counted(unread('lobby', 1)))).toHaveLength(1);
  expect(await told(() => one.counted(unread('lobby', 2)))).toEqual([]);
  one.counted(unread('lobby', 0));
  expect(await told(() => one.counted(unread('lobby', 1)))).toHaveLength(1);
});

const whisper = (user: string, seq: number) =>
  ({ type: 'whisper', room: '', seq, epoch: 'e', id: null, at: '', from: { user, name: user, kind: 'person' }, text: 'psst', replyTo: null, of: null, emoji: '' }) as const;
const change = (type: 'edit' | 'delete' | 'reaction', of: number): RoomEvent => ({ ...whisper('bea', 9), type, of });

it('does not call to the conversation that is in sight, and takes no room for one', async () => {
  const one = await tab();
  page.hidden = false;
  const sounds = vi.fn();
  vi.stubGlobal('AudioContext', class { state = 'suspended'; resume = async () => sounds(); });
  one.shows('/talk/bea');
  await told(() => one.whispered(whisper('bea', 1), 1));
  expect(sounds).not.toHaveBeenCalled();
  await told(() => one.whispered(whisper('caio', 1), 1));
  expect(sounds).toHaveBeenCalledOnce();
  one.shows('/rooms/whispers');
  await vi.advanceTimersByTimeAsync(4_000);
  await told(() => one.whispered(whisper('bea', 2), 2));
  expect(sounds).toHaveBeenCalledTimes(2);
});

it('the desktop shows each conversation for itself, and none of what was edited, deleted, read or lost since', async () => {
  const one = await tab();
  await told(() => ['bea', 'caio', 'dora', 'eve'].forEach((user, index) => one.whispered(whisper(user, index), index)));
  await told(() => one.called(calling));
  expect([...open.values()]).toHaveLength(5);
  one.follow('users/bea', change('reaction', 0));
  one.follow('users/bea', change('delete', 7));
  expect(open.size).toBe(5);
  one.follow('users/bea', change('delete', 0));
  one.follow('users/caio', change('edit', 1));
  one.read('users/dora');
  one.lose('rooms/lobby');
  await vi.advanceTimersByTimeAsync(1);
  expect([...open.values()]).toEqual(['eve whispers:']);
  page.hidden = false;
  one.shows('/talk/eve');
  expect(open.size).toBe(0);
});

it('whoever signs out leaves nothing on the desktop', async () => {
  const one = await tab();
  await told(() => one.whispered(whisper('bea', 1), 1));
  expect(open.size).toBe(1);
  one.stop();
  await vi.advanceTimersByTimeAsync(1);
  expect(open.size).toBe(0);
  expect(await told(() => one.whispered(whisper('bea', 2), 2))).toEqual([]);
});

it('takes what a bot of its own says for news, and its own words not', async () => {
  const one = await tab();
  const whisper = (kind: 'person' | 'bot') =>
    one.whispered({ type: 'whisper', room: '', seq: 1, epoch: 'e', id: null, at: '', from: { user: 'ana', name: 'Ana', kind }, text: 'psst', replyTo: null, of: null, emoji: '' }, 1);
  expect(await told(() => whisper('person'))).toEqual([]);
  expect(await told(() => whisper('bot'))).toHaveLength(1);
});

it('calls by the service worker where the page alone may not, as on phones, and hears a press on it', async () => {
  const notes: { title: string; options: NotificationOptions; close: () => void }[] = [];
  let hear: ((event: { data: unknown }) => void) | undefined;
  const registration = {
    showNotification: async (title: string, options: NotificationOptions) => void notes.push({ title, options, close: vi.fn() }),
    getNotifications: async () => notes.map(({ options, close }) => ({ tag: options.tag, data: options.data as unknown, close })),
  };
  const serviceWorker = { getRegistration: async () => registration, addEventListener: (_: string, listener: typeof hear) => (hear = listener), removeEventListener: () => (hear = undefined) };
  vi.stubGlobal('navigator', { locks: locksOf(), serviceWorker });
  vi.stubGlobal('Notification', class {
    constructor() {
      throw new TypeError('Illegal constructor.');
    }
  });
  const gone: string[] = [];
  const one = new Alerts({ account: 'a1', me: 'ana', levelOf: () => 'all', titleOf: (room) => room, go: (address) => void gone.push(address) });
  one.start();
  for (let passed = 0; passed < 8; passed++) await vi.advanceTimersByTimeAsync(1_000);
  await told(() => one.called(calling));
  expect(notes.map(({ title, options }) => [title, options.body, options.data])).toEqual([['Béa in lobby', 'hi @ana', { address: '/rooms/lobby?seq=5', seq: 5, account: 'a1' }]]);
  hear!({ data: { type: 'open', address: '/rooms/lobby?seq=5' } });
  hear!({ data: 'something else' });
  expect(gone).toEqual(['/rooms/lobby?seq=5']);
  one.stop();
  await vi.advanceTimersByTimeAsync(10);
  expect(notes[0]!.close).toHaveBeenCalledOnce();
  expect(hear).toBeUndefined();
  // A page that was gone before its account was signed out could close nothing.
  const [same, other] = ['a1', 'a2'].map((account) => new Alerts({ account, me: 'ana', levelOf: () => 'all', titleOf: (room) => room, go() {} }));
  same!.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(notes[0]!.close).toHaveBeenCalledOnce();
  other!.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(notes[0]!.close).toHaveBeenCalledTimes(2);
  alerts.push(same!, other!);
});
