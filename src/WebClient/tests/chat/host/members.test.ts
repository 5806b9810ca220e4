import { afterEach, describe, expect, it, vi } from 'vitest';
import { HostMembers } from '../../../src/chat/host/hostMembers.svelte';
import { InvitedHere } from '../../../src/chat/host/invitedHere.svelte';
import { actsOn } from '../../../src/chat/people/personActs.svelte';
import type { PeopledRoom } from '../../../src/chat/people/people.svelte';
import type { Role } from '../../../src/chat/model/rules';
import { whyShut } from '../../../src/chat/room/whyShut';
import { readRoom } from '../../../src/chat/model/protocol';

const member = (user: string, role: Role = 'member') => ({ user, name: user.toUpperCase(), kind: 'person' as const, role });

function roomWith(roles: Record<string, Role>, mine: { mine: boolean; role: Role } = { mine: true, role: 'owner' }) {
  return { id: 'yard', title: 'Yard', phase: 'ready', room: mine, roles: { of: (user: string) => roles[user] ?? 'member', read: async () => undefined } } as unknown as PeopledRoom;
}

afterEach(() => vi.unstubAllGlobals());

describe('The members of a room', () => {
  /** 450 of them, by user name; who looks after it stands late in the list. */
  const all = [...Array.from({ length: 449 }, (_, index) => member(`m${String(index).padStart(3, '0')}`)), member('zoe', 'owner')];

  function serve() {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path);
      const query = new URL(path, 'https://a.example').searchParams;
      const limit = Number(query.get('limit') ?? 100);
      const rest = all.filter(({ user, role }) => user > (query.get('after') ?? '') && (query.get('role') === null || role !== 'member'));
      return Response.json({ members: rest.slice(0, limit), next: rest.length > limit ? rest[limit - 1]!.user : null });
    });
    return asked;
  }

  it('begin with who looks after it, wherever they stand in the list', async () => {
    const asked = serve();
    const members = new HostMembers(roomWith({ zoe: 'owner' }));
    await members.read();
    expect(members.keepers.map(({ user }) => user)).toEqual(['zoe']);
    expect([members.members.length, asked.length]).toEqual([200, 2]);
  });

  it('are read on for as long as somebody is looked for', async () => {
    serve();
    const members = new HostMembers(roomWith({ zoe: 'owner' }));
    await members.read();
    members.text = 'M448';
    await members.look();
    expect([members.members.map(({ user }) => user), members.others.hasMore, members.isCut]).toEqual([['m448'], false, false]);
    members.removed('m448');
    expect(members.members).toEqual([]);
  });
});

describe('What may be done to somebody', () => {
  const roles: Record<string, Role> = { ana: 'owner', bea: 'moderator' };

  it('is the owner’s to decide, but for what he is himself', () => {
    const room = roomWith(roles);
    expect(actsOn(member('caio'), room, 'ana', null)).toEqual(['moderator', 'owner', 'mute', 'remove', 'ban']);
    expect(actsOn(member('bea'), room, 'ana', null)).toEqual(['member', 'owner', 'mute', 'remove', 'ban']);
    expect(actsOn({ ...member('gil'), kind: 'guest' }, room, 'ana', null)).toEqual(['mute', 'remove', 'ban']);
    expect(actsOn(member('ana'), room, 'ana', null)).toEqual([]);
  });

  it('is of a moderator what is done to members, and of a member nothing', () => {
    const moderator = roomWith(roles, { mine: false, role: 'moderator' });
    expect([actsOn(member('caio'), moderator, 'bea', null), actsOn(member('ana'), moderator, 'bea', null)]).toEqual([['mute', 'remove', 'ban'], []]);
    expect(actsOn(member('bea'), roomWith(roles, { mine: false, role: 'member' }), 'caio', null)).toEqual([]);
  });
});

describe('Invitations from this browser', () => {
  it('stand there for thirty days, room by room, until they are taken back', () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', { getItem: (name: string) => kept.get(name) ?? null, setItem: (name: string, value: string) => kept.set(name, value), removeItem: (name: string) => kept.delete(name) });
    const here = new InvitedHere('a1', 'yard');
    here.add('bea');
    here.add('caio');
    here.add('bea');
    new InvitedHere('a1', 'den').add('zoe');
    expect([here.list.map(({ user }) => user), new InvitedHere('a1', 'yard').list.length, new InvitedHere('a2', 'yard').list]).toEqual([['bea', 'caio'], 2, []]);
    here.drop('bea');
    expect(new InvitedHere('a1', 'yard').list.map(({ user }) => user)).toEqual(['caio']);
    vi.useFakeTimers({ now: Date.now() + 31 * 24 * 3_600_000 });
    expect(new InvitedHere('a1', 'yard').list).toEqual([]);
    vi.useRealTimers();
  });
});

describe('A room that is shut', () => {
  const room = (rules: object, more: object = {}) => readRoom({ id: 'yard', title: 'Yard', visibility: 'public', policy: { entry: 'open', guests: 'write', ...rules }, ...more });

  it('is so for guests, or for who is not invited', () => {
    expect([whyShut(room({ guests: 'none' }), 'guest'), whyShut(room({ guests: 'none' }), 'person'), whyShut(room({ guests: 'read' }), 'guest')]).toEqual(['guests', null, null]);
    const quietUntil = new Date(Date.now() + 60_000).toISOString();
    expect([whyShut(room({ quietUntil }), 'guest'), whyShut(room({ quietUntil }), 'person'), whyShut(room({ quietUntil }, { member: true }), 'guest')]).toEqual(['quiet', null, null]);
    expect([whyShut(room({ entry: 'invite' }), 'person'), whyShut(room({ entry: 'request' }), 'guest'), whyShut(room({ entry: 'invite' }, { mine: true }), 'person')]).toEqual(['invite', 'request', null]);
    expect([whyShut(room({ entry: 'invite' }, { visibility: 'private' }), 'person'), whyShut(null, 'guest')]).toEqual([null, null]);
  });
});
