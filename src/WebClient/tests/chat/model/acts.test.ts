import { beforeAll, describe, expect, it } from 'vitest';
import { isSaid } from '../../../src/chat/model/acts';
import { actText } from '../../../src/chat/model/actTexts';
import { readEvent } from '../../../src/chat/model/protocol';
import { language } from '../../../src/i18n/i18n.svelte';

const from = { user: 'ana', name: 'Ana', kind: 'person' };
const bea = { user: 'bea', name: 'Bea', kind: 'person' };

const event = (type: string, more: object) => readEvent({ v: 1, type, room: 'yard', seq: 1, epoch: 'e', at: '', from, ...more })!;
const said = (type: string, more: object) => actText(event(type, more));

describe('what was done in a room', () => {
  beforeAll(async () => {
    await language.choose('en');
    await language.enter('seldom');
  });

  it('is told in a sentence', () => {
    expect(said('role', { target: bea, role: 'moderator' })).toBe('Ana made Bea a moderator');
    expect(said('role', { target: bea, role: 'member' })).toBe('Ana made Bea a member again');
    expect(said('role', { target: bea, role: 'owner' })).toBe('Ana gave the room to Bea');
    expect(said('role', { target: from, role: 'member' })).toBe('Ana is no longer a moderator');
    // Administrators give roles to themselves.
    expect(said('role', { target: from, role: 'owner' })).toBe('Ana gave the room to Ana');
    expect(said('policy', { visibility: 'private' })).toBe('Ana made the room private');
    expect(said('policy', { posting: 'moderators', guests: 'read', slowMode: 3 })).toBe('Ana changed the rules of the room: only moderators write, guests may only read, one message every 3 s');
    expect(said('policy', { title: 'The yard', visibility: 'public' })).toBe('Ana named the room “The yard” · Ana made the room public');
    expect(said('policy', { editWindow: -1 })).toBe('Ana changed the rules of the room: what was said may always be changed');
    expect(said('policy', { editWindow: 0 })).toBe('Ana changed the rules of the room: what was said may not be changed');
    expect(said('policy', { editWindow: 15 })).toBe('Ana changed the rules of the room: what was said may be changed for 15 minutes');
    expect(said('policy', { capacity: 20, retention: { days: 30 } })).toBe('Ana changed the rules of the room: 20 people may be here at once, messages are kept for 30 days');
    expect(said('policy', { slowMode: 0, capacity: 0, retention: { days: 0, messages: 0 } })).toBe('Ana changed the rules of the room: no slow mode, as many may be here as come, messages are kept for ever');
    expect(said('kick', { target: bea, reason: 'Enough' })).toBe('Ana put Bea out · “Enough”');
    expect(said('mute', { target: bea })).toBe('Ana muted Bea');
    expect(said('ban', { target: bea, until: '2030-01-02T03:04:05Z' })).toMatch(/^Ana banned Bea from the room until .*2030/);
    expect(said('unban', { target: bea })).toBe('Ana lifted the ban of Bea');
    expect(said('imported', { title: 'The yard', source: { room: 'yard' } })).toMatch(/^Ana opened this room from a file of “The yard”/);
  });

  it('is told in Portuguese too', async () => {
    await language.choose('pt-BR');
    expect(said('role', { target: bea, role: 'moderator' })).toBe('Ana colocou Bea na moderação');
    expect(said('policy', { entry: 'request' })).toBe('Ana mudou as regras da sala: quem pede pode entrar');
    await language.choose('en');
  });

  it('is not told where there is nothing that people understand', () => {
    for (const more of [{}, { history: 'now' }, { guests: 'shout' }]) expect(isSaid(event('policy', more))).toBe(false);
    expect(isSaid(event('role', { role: 'moderator' }))).toBe(false);
    expect(isSaid(event('message', { text: 'hi' }))).toBe(false);
    expect(isSaid(event('policy', { topic: '' }))).toBe(true);
    expect(isSaid(event('imported', { title: 'The yard' }))).toBe(true);
    expect(isSaid(event('policy', { editWindow: 5 }))).toBe(true);
  });
});
