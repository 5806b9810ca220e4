import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Told } from '../../../src/chat/model/told';
import { readTold } from '../../../src/chat/model/told';
import { Conversations } from '../../../src/chat/talk/conversations.svelte';

const author = (user: string) => ({ user, name: user.toUpperCase(), kind: 'person' });
const listed = (user: string, head: number, more: object = {}) => ({
  ...author(user),
  at: `2026-11-28T12:00:0${head}Z`,
  head,
  epoch: 'p',
  read: { seq: 1, epoch: 'p' },
  unread: 1,
  bots: 0,
  last: { type: 'message', with: user, seq: head, epoch: 'p', from: author(user), text: `${user} ${head}` },
  ...more,
});
const told = (user: string, cseq: number, more: object = {}): Told =>
  readTold({ type: 'whisper', seq: cseq, epoch: 't', at: `2026-11-28T12:00:0${cseq}Z`, from: author(user), text: `${user} ${cseq}`, with: user, cseq, cepoch: 'p', ...more })!;

describe('Conversations', () => {
  let answer: object | null;
  const counted = vi.fn();
  const silenced = vi.fn();
  const keep = vi.fn();
  const named = vi.fn();
  let conversations: Conversations;

  beforeEach(() => {
    vi.clearAllMocks();
    vi.stubGlobal('fetch', async () => answer === null ? Response.json({}, { status: 503 }) : Response.json(answer));
    conversations = new Conversations({ me: 'ana', counted, silenced, named, keep });
    answer = { conversations: [listed('bea', 3), listed('caio', 2), { ...author('eve'), ignored: true, at: '' }] };
  });
  afterEach(() => {
    conversations.stop();
    vi.unstubAllGlobals();
  });

  const lines = () => conversations.heard.map(({ user, last }) => `${user}: ${last?.text}`);

  it('lists the newest first, ignored ones apart, and says what is unread in them', async () => {
    await conversations.read();
    expect([lines(), conversations.ignored.map(({ user }) => user)]).toEqual([['bea: bea 3', 'caio: caio 2'], ['eve']]);
    expect(counted.mock.calls.map(([user, reading, head]) => [user, reading.unread, head])).toEqual([['bea', 1, 3], ['caio', 1, 2]]);
    expect(silenced).toHaveBeenCalledExactlyOnceWith('eve');
    expect(named).toHaveBeenCalledExactlyOnceWith(new Set(['bea', 'caio']));
    expect(conversations.matching('CAI').map(({ user }) => user)).toEqual(['caio']);
  });

  it('is with a person, also where a bot of theirs speaks', async () => {
    await conversations.read();
    conversations.tell(told('caio', 3, { from: { ...author('caio'), kind: 'bot' } }));
    expect([lines()[0], conversations.find('caio')!.kind]).toEqual(['caio: caio 3', 'person']);
  });

  it('is carried on by what is heard: the one that says something comes first, and what is changed or deleted is followed', async () => {
    await conversations.read();
    conversations.tell(told('caio', 3));
    expect(lines()).toEqual(['caio: caio 3', 'bea: bea 3']);
    conversations.tell(told('caio', 4, { type: 'edit', of: 3, text: 'better' }));
    expect(lines()[0]).toBe('caio: better');
    expect(keep).toHaveBeenLastCalledWith(true);
    conversations.tell(told('caio', 5, { type: 'delete', of: 3 }));
    expect([lines()[0], conversations.find('caio')!.last!.type]).toEqual(['caio: ', 'removed']);
    // It was known before it was brought again.
    conversations.tell(told('bea', 2));
    expect(lines()[0]).toBe('caio: ');
  });

  it('takes up somebody new, and asks for the name of whom it has heard nothing of', async () => {
    await conversations.read();
    conversations.tell(told('dora', 1));
    expect(conversations.find('dora')).toMatchObject({ name: 'DORA' });
    answer = { conversations: [listed('fay', 5), listed('bea', 3)] };
    conversations.tell(told('fay', 5, { type: 'sent', from: author('ana') }));
    await vi.waitFor(() => expect(conversations.find('fay')).toMatchObject({ name: 'FAY' }));
  });

  it('P11: what was said while the list was on its way is not taken back by it', async () => {
    await conversations.read();
    const reading = conversations.read();
    conversations.tell(told('bea', 4));
    await reading;
    expect([lines()[0], conversations.find('bea')!.head]).toEqual(['bea: bea 4', 4]);
  });

  it('says of whom there is a conversation only when it knows all of them', async () => {
    answer = { ...answer, next: 'more' };
    await conversations.read();
    expect(named).not.toHaveBeenCalled();
    answer = { conversations: [{ user: 'gone', gone: true, at: '' }] };
    await conversations.read();
    expect([await conversations.isGone('gone'), await conversations.isGone('bea')]).toEqual([true, false]);
    expect(named).toHaveBeenCalledWith(new Set(['gone']));
  });

  it('is known though the server does not answer, and shows what an earlier visit kept', async () => {
    answer = null;
    await conversations.read();
    await conversations.known;
    expect(conversations.phase).toBe('failed');
    const next = new Conversations({ me: 'ana', counted, silenced, named, keep });
    answer = { conversations: [listed('bea', 3)] };
    const first = new Conversations({ me: 'ana', counted, silenced, named, keep });
    await first.read();
    // The server may have been asked in vain by then.
    answer = null;
    await next.read();
    next.restore({ account: 'a', ...first.copy() });
    next.stop();
    expect(next.heard.map(({ user }) => user)).toEqual(['bea']);
  });
});
