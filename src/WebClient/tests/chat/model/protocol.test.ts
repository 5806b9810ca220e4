import { describe, expect, it } from 'vitest';
import { changedBy, isNews, parseJson, readEvent, readNotice, readPage, readReading, readReset, readRoom } from '../../../src/chat/model/protocol';
import { whyNotWrite } from '../../../src/chat/model/rules';

const wire = '{"v":1,"type":"message","room":"lobby","seq":42,"epoch":"k3f9","id":"a1","at":"2026-11-22T23:00:00.123Z","from":{"user":"ana","name":"Ana","kind":"person"},"text":"olá","later":true}';

describe('protocol', () => {
  it('reads an event and ignores fields that it does not know', () => {
    expect(readEvent(parseJson(wire))).toEqual({
      type: 'message',
      room: 'lobby',
      seq: 42,
      epoch: 'k3f9',
      id: 'a1',
      at: '2026-11-22T23:00:00.123Z',
      from: { user: 'ana', name: 'Ana', kind: 'person' },
      text: 'olá',
      replyTo: null,
      of: null,
      emoji: '',
    });
  });

  it('P15: what the own bots say is news, and what was said by hand on any device is not', () => {
    const said = (user: string, kind: string, type = 'message') => readEvent({ ...(parseJson(wire) as object), type, from: { user, name: 'x', kind } })!;
    expect(isNews('ana', said('bea', 'person'))).toBe(true);
    expect(isNews('ana', said('ana', 'bot'))).toBe(true);
    expect(isNews('ana', said('ana', 'person'))).toBe(false);
    expect(isNews('ana', said('ana', 'guest'))).toBe(false);
    expect(isNews('ana', said('bea', 'person', 'join'))).toBe(false);
  });

  it('takes nothing for an event that is none', () => {
    for (const payload of ['', 'hello', '[]', '42', 'null', '{}', '{"type":"message","seq":"42","epoch":"e"}', '{"type":"message","seq":1,"epoch":"e"}']) {
      expect(readEvent(parseJson(payload)), payload).toBeNull();
    }
  });

  it('reads a page and leaves out what it cannot read', () => {
    const page = readPage({ epoch: 'k3f9', head: 43, events: [parseJson(wire), { seq: 43 }] });
    expect(page).toMatchObject({ epoch: 'k3f9', head: 43, first: 1, events: [{ seq: 42 }] });
  });

  it('reads a room from the API and from its info topic', () => {
    const common = { title: 'Lobby', topic: '', visibility: 'public', people: 3 };
    expect(readRoom({ id: 'lobby', ...common, member: true, mine: false })).toEqual({ id: 'lobby', ...common, member: true, mine: false, role: null, head: 0, reading: null });
    expect(readRoom({ room: 'lobby', ...common })).toMatchObject({ id: 'lobby', people: 3, member: false });
    expect(readRoom({ title: 'no id' })).toBeNull();
  });

  it('reads a role that was given and a change of the room, and the same from what it has kept of them', () => {
    const common = { room: 'lobby', seq: 7, epoch: 'k3f9', id: 'x', at: '', from: { user: 'ana', name: 'Ana', kind: 'person' } };
    const target = { user: 'bea', name: 'Bea', kind: 'person' };
    const given = readEvent({ v: 1, type: 'role', ...common, target, role: 'moderator' });
    expect(given).toMatchObject({ type: 'role', target, role: 'moderator' });
    expect(readEvent(given)).toEqual(given);
    const changed = readEvent({ v: 1, type: 'policy', ...common, title: 'Yard', posting: 'moderators', guests: 'shout', slowMode: 5 });
    expect(changed).toMatchObject({ type: 'policy', title: 'Yard', posting: 'moderators' });
    expect(changed).not.toHaveProperty('guests');
    expect(readEvent(changed)).toEqual(changed);
    expect(readEvent({ v: 1, type: 'role', ...common, role: 'king', target })).not.toHaveProperty('role');
    const muted = readEvent({ v: 1, type: 'mute', ...common, target, until: '2030-01-01T00:00:00Z', reason: 'Loud' });
    expect(muted).toMatchObject({ type: 'mute', target, until: '2030-01-01T00:00:00Z', reason: 'Loud' });
    expect(readEvent(muted)).toEqual(muted);
    expect(isNews('bea', given!) || isNews('bea', changed!)).toBe(false);
  });

  it('reads what the account may do in a room, and brings it in line with a change', () => {
    const policy = { visibility: 'public', entry: 'open', guests: 'read', posting: 'everyone', data: { read: 'members' }, slowMode: 0 };
    const room = readRoom({ id: 'yard', title: 'Yard', role: 'member', policy })!;
    expect([room.role, room.rules]).toEqual(['member', { visibility: 'public', entry: 'open', guests: 'read', posting: 'everyone', data: { read: 'members' }, slowMode: 0 }]);
    expect([whyNotWrite(room, 'person'), whyNotWrite(room, 'guest'), whyNotWrite(null, 'guest')]).toEqual([null, 'guests', null]);
    const act = readEvent({ type: 'policy', room: 'yard', seq: 1, epoch: 'e', from: { user: 'ana' }, posting: 'moderators', visibility: 'private' })!;
    const after = changedBy(room, act);
    expect(after).toMatchObject({ title: 'Yard', visibility: 'private', rules: { guests: 'read', posting: 'moderators' } });
    // Of a rule of several parts an event has what was changed alone.
    const keeps = changedBy({ ...room, rules: { retention: { days: 30, messages: 5 } } }, { ...act, retention: { days: 0 } });
    expect(keeps.rules?.retention).toEqual({ days: 0, messages: 5 });
    expect(whyNotWrite(after, 'person')).toBe('moderators');
    expect(whyNotWrite({ ...after, role: 'moderator' }, 'person')).toBeNull();
    expect(whyNotWrite({ ...after, role: null, mine: true }, 'person')).toBeNull();
  });

  it('reads how far the account has read, where the server says so', () => {
    expect(readRoom({ id: 'lobby', head: 42, read: { seq: 40, epoch: 'k3f9' }, unread: 2 })?.reading).toEqual({ seq: 40, epoch: 'k3f9', unread: 2 });
    expect(readReading(parseJson('{"v":1,"type":"read","room":"lobby","seq":40,"epoch":"k3f9","unread":2}'))).toEqual({ seq: 40, epoch: 'k3f9', unread: 2 });
    for (const payload of ['', '{}', '{"seq":"40","epoch":"k3f9"}', '{"seq":40}']) expect(readReading(parseJson(payload)), payload).toBeNull();
  });

  it('reads a reset, and nothing else as one', () => {
    expect(readReset(parseJson('{"v":1,"type":"reset","room":"lobby","epoch":"new","head":42,"first":1}'))).toEqual({ epoch: 'new', head: 42, first: 1 });
    expect(readReset(parseJson(wire))).toBeNull();
    expect(readReset(undefined)).toBeNull();
  });

  it('reads what an event is about', () => {
    const edit = '{"v":1,"type":"edit","room":"lobby","seq":43,"epoch":"k3f9","of":42,"from":{"user":"ana"},"text":"olá!"}';
    expect(readEvent(parseJson(edit))).toMatchObject({ type: 'edit', of: 42, text: 'olá!' });
  });

  it('tells notices from whispers', () => {
    expect(readNotice({ v: 1, type: 'notice', code: 'busy', text: 'Send it again later', topic: 'rooms/lobby' })).toEqual({
      code: 'busy',
      text: 'Send it again later',
      topic: 'rooms/lobby',
    });
    expect(readNotice({ type: 'message', text: 'psst' })).toBeNull();
  });
});
