import { describe, expect, it, vi } from 'vitest';
import { commandsIn } from '../../../src/chat/compose/commands';
import { commandsFor, peopleFor, roomsFor, wordAt } from '../../../src/chat/compose/completing';
import { Completion } from '../../../src/chat/compose/completion.svelte';

const at = (text: string) => {
  const caret = text.indexOf('|');
  const word = wordAt(text.replace('|', ''), caret);
  return word && `${word.mark}${word.query} ${word.from}-${word.to}`;
};

describe('wordAt', () => {
  it.each([
    ['@|', '@ 0-1'],
    ['hi @an|', '@an 3-6'],
    ['hi @an|a there', '@an 3-6'],
    ['(#lob|', '#lob 1-5'],
    ['**@an|', '@an 2-5'],
    [':smi|', ':smi 0-4'],
    [':+1|', ':+1 0-3'],
    ['/he|', '/he 0-3'],
    ['@José|', '@José 0-5'],
  ])('finds what is typed in %j', (text, expected) => expect(at(text)).toBe(expected));

  it.each(['|', 'ana@ex|', ':)|', ':D|', '10:30|', ':|', ':s|', 'http:/|', 'and /he|', '@ana |', '@a!|', 'a#b|', '::sm|', `@${'a'.repeat(60)}|`])('finds nothing in %j', (text) =>
    expect(at(text)).toBeNull(),
  );
});

describe('What is offered', () => {
  const people = [
    { user: 'ana', name: 'Ana Íris' },
    { user: 'bea', name: 'Íris B' },
    { user: 'iris.2', name: 'Zoë' },
    { user: 'carla', name: 'Mariana' },
  ];

  it('is those who begin so, by either name, and then those of whom a later word does', () => {
    expect(peopleFor('iris', people).map(({ key }) => key)).toEqual(['bea', 'iris.2', 'ana']);
    expect(peopleFor('an', people)).toEqual([{ key: 'ana', insert: '@ana', name: 'Ana Íris', beside: '@ana' }]);
    expect(peopleFor('', people)).toHaveLength(4);
    expect(peopleFor('x', people)).toEqual([]);
  });

  it('is members who are away behind those who are here, nobody twice', () => {
    const away = [{ user: 'ana', name: 'Ana' }, { user: 'anton', name: 'Anton' }];
    expect(peopleFor('an', [{ user: 'zoe', name: 'Zoë Antunes' }, people[0]!], away).map(({ key }) => key)).toEqual(['ana', 'zoe', 'anton']);
    expect(peopleFor('', Array.from({ length: 7 }, (_, i) => ({ user: `u${i}`, name: `U ${i}` })), away)).toHaveLength(8);
  });

  it('is a few', () => {
    expect(peopleFor('', Array.from({ length: 100 }, (_, i) => ({ user: `u${i}`, name: `U ${i}` })))).toHaveLength(8);
  });

  it('is rooms by title and address, and commands', () => {
    expect(roomsFor('mov', [{ id: 'movie-night', title: 'Filmes' }])).toEqual([{ key: 'movie-night', insert: '#movie-night', name: 'Filmes', beside: '#movie-night' }]);
    expect(commandsFor('h', commandsIn(false), () => 'what it does')).toEqual([{ key: 'help', insert: '/help', name: '/help', beside: 'what it does' }]);
    const offered = (rolls: boolean) => commandsFor('', commandsIn(rolls), () => '').map(({ key }) => key);
    expect([offered(true), offered(false)]).toEqual([['me', 'roll', 'show', 'help'], ['me', 'help']]);
  });
});

describe('Completion', () => {
  const press = (key: string, more = {}) => ({ key, keyCode: 0, isComposing: false, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, repeat: false, ...more });
  const people = [
    { user: 'ana', name: 'Ana' },
    { user: 'anabel', name: 'Anabel' },
    { user: 'bea', name: 'Bea' },
  ];
  const begun = (text: string) => {
    const completion = new Completion({ people: () => people, rooms: () => [], rolls: () => true, name: () => 'Ana' });
    completion.look(text, text.length, text.length);
    return completion;
  };

  it('chooses the first of a name that is begun, and moves round', () => {
    const completion = begun('@an');
    expect([completion.isOpen, completion.active]).toEqual([true, 0]);
    expect(completion.press(press('ArrowUp'))).toBe('moved');
    expect(completion.active).toBe(1);
    expect(completion.press(press('ArrowDown'))).toBe('moved');
    expect(completion.press(press('Enter'))).toMatchObject({ insert: '@ana' });
    expect(completion.placeOf(completion.options[1]!)).toEqual({ from: 0, to: 3, insert: '@anabel' });
    expect(completion.press(press('Tab'))).toMatchObject({ insert: '@ana' });
    expect(completion.press(press('Tab', { shiftKey: true }))).toBeNull();
    expect(completion.press(press('Enter', { isComposing: true }))).toBeNull();
    expect(completion.press(press('Enter', { ctrlKey: true }))).toBeNull();
  });

  it('chooses none before a name is begun, so that Enter sends', () => {
    const completion = begun('see you @');
    expect([completion.isOpen, completion.active]).toEqual([true, -1]);
    expect(completion.press(press('Enter'))).toBeNull();
    completion.press(press('ArrowUp'));
    expect(completion.active).toBe(2);
  });

  it('offers nothing where the name is written, so that Enter sends', () => {
    expect(begun('@bea').isOpen).toBe(false);
    expect(begun('@be').isOpen).toBe(true);
  });

  it('asks for members who are away when somebody is named, and for nothing else', () => {
    const look = vi.fn(async () => {});
    const completion = new Completion({ people: () => people, others: { list: [{ user: 'carl', name: 'Carl' }], look }, rooms: () => [], rolls: () => true, name: () => 'Ana' });
    completion.look('#car', 4, 4);
    expect([look.mock.calls.length, completion.options.length]).toEqual([0, 0]);
    completion.look('@c', 2, 2);
    expect([look.mock.calls.length, completion.options.map(({ insert }) => insert)]).toEqual([1, ['@carl']]);
  });

  it('stays closed by Escape until another word is begun', () => {
    const completion = begun('@a');
    expect(completion.press(press('Escape'))).toBe('closed');
    expect(completion.press(press('Enter'))).toBeNull();
    completion.look('@an', 3, 3);
    expect(completion.isOpen).toBe(false);
    completion.look('@an @b', 6, 6);
    expect(completion.isOpen).toBe(true);
    completion.look('@an @b', 1, 6);
    expect(completion.isOpen).toBe(false);
  });
});
