import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outbox } from '../../../src/chat/compose/outbox.svelte';
import type { Link } from '../../../src/chat/link/link';
import { readTold } from '../../../src/chat/model/told';
import { IgnoredPeople } from '../../../src/chat/people/ignored.svelte';
import type { LogReader } from '../../../src/chat/room/openLog.svelte';
import { TalkState } from '../../../src/chat/talk/talk.svelte';

const me = { user: 'me', name: 'Me', kind: 'person' as const };
const bea = { user: 'bea', name: 'Béa', kind: 'person' as const };
const event = (seq: number, from: object = bea, more: object = {}) => ({ v: 1, type: 'message', with: 'bea', seq, epoch: 'p', id: `id-${seq}`, at: '2026-11-22T23:00:00Z', from, text: `${seq}`, ...more });
const told = (seq: number, more: object = {}) => readTold({ ...event(seq), type: 'whisper', with: 'bea', cseq: seq, cepoch: 'p', epoch: 't', ...more })!.event;

describe('TalkState', () => {
  let head = 0;
  const asked: string[] = [];
  const published: string[] = [];
  const read = vi.fn();
  const link = { subscribe: async () => 'granted', unsubscribe() {}, publishLoosely: (topic: string) => published.push(topic) } as unknown as Link;
  let talk: TalkState;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    [asked.length, published.length] = [0, 0];
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path);
      const after = Number(new URL(path, 'http://localhost').searchParams.get('after') ?? 0);
      const events = Array.from({ length: Math.max(0, head - after) }, (_, index) => event(after + index + 1));
      return Response.json({ epoch: head === 0 ? '' : 'p', head, first: head === 0 ? 0 : 1, events });
    });
    const reader: LogReader = {
      me: 'me',
      author: () => me,
      outbox: { lines: [], reached() {}, echoed() {}, gone: async () => {} } as unknown as Outbox,
      ignored: new IgnoredPeople(() => {}),
    drafts: { about: () => null, turn() {} },
      read,
      keep() {},
      listRead: Promise.resolve(),
    };
    talk = new TalkState('bea', reader, () => null, Promise.resolve(null));
  });
  afterEach(() => {
    talk.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is with a person, also where a bot of theirs speaks', async () => {
    head = 1;
    await talk.attach(link);
    talk.receive(told(2, { from: { ...bea, name: 'Béa B', kind: 'bot' } }));
    expect(talk.other).toEqual({ user: 'bea', name: 'Béa B', kind: 'person' });
  });

  const texts = () => talk.log.timeline.events.map(({ text }) => text);

  it('reads what was said, and goes on with what is heard', async () => {
    head = 3;
    await talk.attach(link);
    expect([asked[0], talk.phase, texts()]).toEqual(['/api/conversations/bea/events?limit=50', 'ready', ['1', '2', '3']]);
    talk.reader.markRead();
    talk.receive(told(4));
    expect([texts().at(-1), talk.title, talk.announced?.text]).toEqual(['4', 'Béa', '4']);
    expect(read).toHaveBeenLastCalledWith('bea', 4, 'p');
    talk.receive(told(5, { type: 'delete', of: 4, text: undefined }));
    expect([talk.log.timeline.at(4)!.type, talk.announced]).toEqual(['removed', null]);
  });

  it('reads what lies between, when something was missed', async () => {
    head = 1;
    await talk.attach(link);
    head = 4;
    talk.receive(told(4));
    await vi.waitFor(() => expect(texts()).toEqual(['1', '2', '3', '4']));
    expect(asked.at(-1)).toContain('after=1');
  });

  it('begins with the first words that are said, and reads nothing for them', async () => {
    head = 0;
    await talk.attach(link);
    expect([talk.phase, texts()]).toEqual(['ready', []]);
    talk.receive(told(1));
    expect([texts(), asked.length, talk.log.countUnread()]).toEqual([['1'], 1, 1]);
    talk.receive(told(2));
    expect(talk.log.countUnread()).toBe(2);
  });

  it('says that the reader writes, and hears when the other does', async () => {
    await talk.attach(link);
    talk.people.met(bea);
    talk.sayTyping();
    expect(published).toEqual(['users/bea/typing']);
    talk.heardTyping();
    expect(talk.typing.users).toEqual(['bea']);
    talk.receive(told(1));
    expect(talk.typing.users).toEqual([]);
  });

  it('claims of nobody that they read it, and says to nobody that the reader writes, before it is known that there is somebody', async () => {
    await talk.attach(link);
    expect(talk.words.emptyHint).toContain('If there is somebody of the user name bea');
    talk.sayTyping();
    expect(published).toEqual([]);
    talk.people.met(bea);
    expect([talk.isKnown, talk.words.emptyHint]).toEqual([true, 'Only Béa reads this.']);
  });

  it('is headed by the name that the other has elsewhere, until the two have spoken', async () => {
    const another = new TalkState('bea', (talk as unknown as { user: LogReader }).user, () => null, Promise.resolve(null), () => ({ ...bea, name: 'Béa of the room' }));
    expect([talk.title, another.title]).toEqual(['bea', 'Béa of the room']);
    await another.attach(link);
    another.receive(told(1));
    expect(another.title).toBe('Béa');
    another.stop();
  });

  it('says nothing to who is erased, and lets one take back what one said', () => {
    const gone = new TalkState('bea', { ...(talk as unknown as { user: LogReader }).user }, () => ({ ...bea, gone: true, ignored: false, at: '', head: 0, epoch: '', reading: null, last: null }), Promise.resolve(null));
    const mine = { ...told(1), from: me, editedAt: null, deleted: false, reactions: [] };
    expect([gone.whyNotWrite(), gone.actionsFor(mine), talk.actionsFor(mine)]).toEqual(['gone', ['copy', 'link', 'save', 'remove'], ['react', 'reply', 'edit', 'copy', 'link', 'shell', 'save', 'remove']]);
  });
});
