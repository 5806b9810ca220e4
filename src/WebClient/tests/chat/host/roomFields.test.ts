import { beforeAll, describe, expect, it } from 'vitest';
import { changeOf, fields, isRule, matters, optionsOf, refusalText, sentenceOf, valueOf, warningOf } from '../../../src/chat/host/roomFields';
import { isSameName } from '../../../src/chat/host/sameName';
import { changedBy, readEvent, readRoom } from '../../../src/chat/model/protocol';
import { language } from '../../../src/i18n/i18n.svelte';

const policy = { visibility: 'public', entry: 'open', guests: 'write', posting: 'everyone', data: { read: 'members', write: 'moderators' }, editWindow: -1 };
const yard = (more: object = {}, rules: object = {}) => readRoom({ id: 'yard', title: 'The yard', topic: '', visibility: 'public', member: true, mine: true, role: 'owner', policy: { ...policy, ...rules }, ...more })!;
const problem = (code: string | null, more: object = {}) => ({ status: 403, code, message: '', fields: {}, retryAfter: null, ...more });

beforeAll(() => language.choose('en'));

describe('What can be changed of a room', () => {
  it('is as the server says, or as in a new room where it has not', () => {
    const bare = readRoom({ id: 'yard', title: 'The yard' })!;
    for (const room of [yard(), bare]) {
      expect(fields.map((field) => valueOf(room, field))).toEqual(['The yard', '', '', 'public', 'open', 'write', 'everyone', '0', '0', '-1', '0', '0', '0', '0', 'members', 'moderators']);
    }
    expect(valueOf(yard({}, { entry: 'request' }), 'entry')).toBe('request');
  });

  it('has a sentence for each choice, in both languages', async () => {
    for (const tag of ['pt-BR', 'en'] as const) {
      await language.choose(tag);
      for (const field of fields.filter(isRule)) for (const option of optionsOf(yard(), field)) expect(sentenceOf(field, option)).toMatch(/ .*\.$/);
    }
    expect(['0', '30', '60', '300'].map((seconds) => sentenceOf('slowMode', seconds))).toEqual(['Everybody writes as often as they like.', 'One message every 30 seconds.', 'One message every minute.', 'One message every 5 minutes.']);
    expect(sentenceOf('editWindow', '0')).toBe('What was said is not changed any more.');
    expect(['1', '90', '60', '2880'].map((minutes) => sentenceOf('editWindow', minutes).replace(/.* for /, ''))).toEqual(['1 minute.', '90 minutes.', '1 hour.', '2 days.']);
  });

  it('offers what another program has chosen, too', () => {
    expect(optionsOf(yard({}, { editWindow: 7 }), 'editWindow')).toEqual(['7', '-1', '5', '60', '1440', '0']);
    expect(optionsOf(yard(), 'editWindow')).toHaveLength(5);
  });

  it('is told to the room as a command', () => {
    expect(changeOf('title', 'A')).toEqual({ title: 'A' });
    expect(changeOf('editWindow', '60')).toEqual({ editWindow: 60 });
    expect(changeOf('slowMode', '30')).toEqual({ slowMode: 30 });
    expect([changeOf('newcomers', '60'), changeOf('repeats', '3'), changeOf('rush', '10')]).toEqual([{ guard: { newcomerMinutes: 60 } }, { guard: { repeats: 3 } }, { guard: { guestsPerMinute: 10 } }]);
    expect(valueOf(yard({}, { guard: { newcomerMinutes: 60, repeats: 3, guestsPerMinute: 10 } }), 'newcomers')).toBe('60');
    expect(changeOf('capacity', '0')).toEqual({ capacity: 0 });
    expect(changeOf('keptDays', '7')).toEqual({ retention: { days: 7 } });
    expect(changeOf('dataRead', 'tokens')).toEqual({ data: { read: 'tokens' } });
    expect(changeOf('dataWrite', 'members')).toEqual({ data: { write: 'members' } });
  });

  it('leaves the other half of what is said of data as it was', () => {
    const event = readEvent({ v: 1, type: 'policy', room: 'yard', seq: 1, epoch: 'e', at: '', from: { user: 'ana', name: 'Ana', kind: 'person' }, data: { read: 'tokens' } })!;
    const after = changedBy(yard({}, { data: { read: 'members', write: 'members' } }), event);
    expect([valueOf(after, 'dataRead'), valueOf(after, 'dataWrite')]).toEqual(['tokens', 'members']);
  });

  it('says nothing of who comes in where nobody does who is not invited', () => {
    expect(matters(yard(), 'entry')).toBe(true);
    expect(matters(yard({ visibility: 'private' }), 'entry')).toBe(false);
  });

  it('warns before it opens what was said, or shuts people out', () => {
    expect(warningOf(yard({ visibility: 'private' }), 'visibility', 'public')).toContain('read what was said before');
    expect(warningOf(yard({ visibility: 'private' }, { entry: 'invite' }), 'visibility', 'public')).toBe(null);
    expect(warningOf(yard({}, { entry: 'invite' }), 'entry', 'open')).toContain('read what was said before');
    expect(warningOf(yard(), 'guests', 'none')).toContain('at once');
    expect(warningOf(yard(), 'guests', 'write')).toBe(null);
    expect(warningOf(yard(), 'keptDays', '365')).toContain('for good');
    const month = yard({}, { retention: { days: 30 } });
    expect([warningOf(month, 'keptDays', '7'), warningOf(month, 'keptDays', '90'), warningOf(month, 'keptDays', '0')]).toEqual([expect.stringContaining('for good'), null, null]);
  });

  it('says at the field why the server did not take it', () => {
    const opens = refusalText(yard({ visibility: 'private', role: 'member' }), 'visibility', 'public', problem('not_allowed'));
    expect(opens).toBe('Only its owner makes a private room public.');
    expect(refusalText(yard(), 'posting', 'moderators', problem('not_allowed'))).toBe('You do not look after this room any more.');
    expect(refusalText(yard(), 'visibility', 'private', problem('default_room', { status: 409 }))).toContain('server’s own');
    expect(refusalText(yard(), 'title', '', problem(null, { fields: { title: [{ code: 'invalid', message: '' }] } }))).toContain('80 characters');
    expect(refusalText(yard(), 'topic', '', problem('unreachable', { status: 0 }))).toContain('does not answer');
  });
});

describe('The name of a room', () => {
  it('is the same in whichever form its letters are written, and no other', () => {
    expect(isSameName('  Cafe\u0301  da Ana ', 'Café da Ana')).toBe(true);
    expect([isSameName('café da ana', 'Café da Ana'), isSameName('', 'x')]).toEqual([false, false]);
  });
});
