import { expect, it } from 'vitest';
import { hostOptions, readOrder, whyNotDone } from '../../../src/chat/compose/hostCommands';
import type { PeopledRoom } from '../../../src/chat/people/people.svelte';
import { spanText } from '../../../src/chat/people/personActs.svelte';

const room = (place: object) => ({ id: 'pub', title: 'The pub', room: { id: 'pub', mine: false, role: 'member', ...place } }) as unknown as PeopledRoom;
const offered = (query: string, place: object) => hostOptions(query, room(place)).map(({ insert }) => insert);

it('reads whom a command is about, for how long and why', () => {
  expect(readOrder('/kick @Bea Enough for now.')).toEqual({ command: 'kick', user: 'bea', minutes: null, reason: 'Enough for now.' });
  expect(readOrder('/MUTE bea 10m Too loud.')).toEqual({ command: 'mute', user: 'bea', minutes: 10, reason: 'Too loud.' });
  expect(readOrder('/ban @bea 2w')).toEqual({ command: 'ban', user: 'bea', minutes: 20_160, reason: '' });
  expect(readOrder('/invite ＠bea')).toEqual({ command: 'invite', user: 'bea', minutes: null, reason: '' });
});

it('takes for a reason what is no time, and holds nobody back for longer than the server does', () => {
  expect(readOrder('/ban @bea 10 times I said it')).toMatchObject({ minutes: null, reason: '10 times I said it' });
  expect(readOrder('/ban @bea 0m out')).toMatchObject({ minutes: null, reason: '0m out' });
  expect(readOrder('/ban @bea 99999w out')).toMatchObject({ minutes: 525_600, reason: 'out' });
  expect(readOrder('/kick @bea 10m out')).toMatchObject({ minutes: null, reason: '10m out' });
});

it('knows when nobody is named, and what is none of these commands', () => {
  expect(readOrder('/ban')).toMatchObject({ command: 'ban', user: '' });
  expect(readOrder('/ban @')).toMatchObject({ command: 'ban', user: '' });
  expect([readOrder('/kickoff @bea'), readOrder('kick @bea'), readOrder('/w bea secret')]).toEqual([null, null, null]);
});

it('is offered to who may do it alone', () => {
  expect(offered('', { mine: true, role: 'owner' })).toEqual(['/kick', '/ban', '/mute', '/invite']);
  expect(offered('', { role: 'moderator' })).toEqual(['/kick', '/ban', '/mute']);
  expect(offered('', {})).toEqual([]);
  expect(offered('i', { mine: true })).toEqual(['/invite']);
  expect(hostOptions('', null)).toEqual([]);
});

it('is refused before anything is asked where the reader is meant, or who ranks as high', () => {
  const roles = { of: (user: string) => ({ olga: 'owner', max: 'moderator', mia: 'moderator' })[user] ?? 'member' };
  const why = (written: string, me: string, place: object) => whyNotDone(readOrder(written)!, { ...room(place), me, roles } as unknown as PeopledRoom);
  expect(why('/ban @Olga', 'olga', { mine: true, role: 'owner' })).toBe('notOneself');
  expect(why('/invite @olga', 'olga', { mine: true, role: 'owner' })).toBe('notOneself');
  for (const [user, answer] of [['olga', 'ranksAsHigh'], ['mia', 'ranksAsHigh'], ['bea', null]] as const) expect(why(`/mute @${user}`, 'max', { role: 'moderator' })).toBe(answer);
  expect(why('/kick @mia', 'olga', { mine: true, role: 'owner' })).toBeNull();
  expect(why('/kick @olga', 'admin', { mine: true, role: null })).toBeNull();
});

it('says for how long in words, also what is not among the choices', () => {
  expect(['60', '0', '90', '120', '2880', '20160'].map(spanText)).toEqual(['1 hour', 'Until somebody lifts it', '90 minutes', '2 hours', '2 days', '2 weeks']);
});
