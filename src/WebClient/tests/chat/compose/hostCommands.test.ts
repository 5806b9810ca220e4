import { expect, it } from 'vitest';
import { hostOptions, readOrder, whyNotTo } from '../../../src/chat/compose/hostCommands';
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

it('says at once of whom it is of no use to ask: oneself, who has the room, and who ranks as high', () => {
  const roles = { of: (user: string) => ({ ana: 'owner', caio: 'moderator' })[user] ?? 'member' };
  const whyNot = (text: string, place: object) => whyNotTo(readOrder(text)!, { ...room(place), roles } as unknown as PeopledRoom, 'me');
  const moderator = { role: 'moderator' };
  const administrator = { role: 'member', mine: true };
  expect(['/ban @me', '/kick @ana', '/mute @caio', '/kick @bea', '/kick @whoever'].map((text) => whyNot(text, moderator))).toEqual(['yourself', 'owner', 'ranksAsHigh', null, null]);
  expect(['/ban @me', '/kick @ana', '/mute @caio', '/invite @me', '/invite @ana'].map((text) => whyNot(text, administrator))).toEqual(['yourself', 'owner', null, 'yourself', null]);
});

it('says for how long in words, also what is not among the choices', () => {
  expect(['60', '0', '90', '120', '2880', '20160'].map(spanText)).toEqual(['1 hour', 'Until somebody lifts it', '90 minutes', '2 hours', '2 days', '2 weeks']);
});
