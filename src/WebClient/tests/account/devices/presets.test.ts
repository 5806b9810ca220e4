import { describe, expect, it } from 'vitest';
import { branchOf, isBranch, presetsIn, topicsOf } from '../../../src/account/devices/presets';
import { mayWriteData } from '../../../src/chat/model/dataRules';
import { readRoom } from '../../../src/chat/model/protocol';

const room = (more: object) => readRoom({ id: 'garden', title: 'Garden', member: true, ...more })!;
const membersWrite = { policy: { data: { read: 'members', write: 'members' } } };
const moderatorsWrite = { policy: { data: { read: 'members', write: 'moderators' } } };

describe('What a device may', () => {
  it('is its own branch and where it says what it is, all, or to read', () => {
    expect(topicsOf('sensor', 'greenhouse')).toEqual({ read: ['greenhouse/#'], write: ['greenhouse/#', 'homeassistant/+/greenhouse/#'] });
    expect(topicsOf('all', 'greenhouse')).toBeNull();
    expect(topicsOf('reads', 'greenhouse')).toEqual({ read: ['#'], write: [] });
  });

  it('is what its maker may, by the rules of the room', () => {
    expect(mayWriteData(room({ role: 'member', ...membersWrite }))).toBe(true);
    expect(mayWriteData(room({ role: 'member', ...moderatorsWrite }))).toBe(false);
    expect(mayWriteData(room({ role: 'member' }))).toBe(false);
    for (const more of [{ role: 'moderator' }, { role: 'owner' }, { mine: true }]) expect(mayWriteData(room({ ...more, ...moderatorsWrite }))).toBe(true);
    expect(presetsIn(room({ role: 'member', ...moderatorsWrite }))).toEqual(['reads']);
    expect(presetsIn(room({ role: 'owner' }))).toEqual(['sensor', 'all', 'reads']);
  });
});

describe('A branch of topics', () => {
  it.each([
    ['Greenhouse', 'greenhouse'],
    ['Estufa nº 2', 'estufa-n-2'],
    ['  Café  da manhã! ', 'cafe-da-manha'],
    ['a/b/#', 'a-b'],
    ['湿度', ''],
    ['x'.repeat(64), 'x'.repeat(48)],
  ])('of %j is %j', (name, branch) => expect(branchOf(name)).toBe(branch));

  it.each(['greenhouse', 'beds/a.1/b_2', 'größe', '湿度/नमी'])('may be %j', (text) => expect(isBranch(text)).toBe(true));

  it.each(['', '/', 'a/', '/a', 'a//b', 'a/#', '+', 'a b', 'a;b', `it's`, '${x}', '"', 'a\nb', '$SYS', 'x'.repeat(65)])('is not %j', (text) => expect(isBranch(text)).toBe(false));
});
