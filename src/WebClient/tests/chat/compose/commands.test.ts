import { expect, it } from 'vitest';
import { readWritten } from '../../../src/chat/compose/commands';

it('says what is no command', () => {
  expect(readWritten('hello /w')).toEqual({ kind: 'said', text: 'hello /w', action: false });
  expect(readWritten('//etc/hosts')).toEqual({ kind: 'said', text: '/etc/hosts', action: false });
});

it('says by /me what somebody does, and asks for it where nothing stands behind', () => {
  expect(readWritten('/me waves  at you')).toEqual({ kind: 'said', text: 'waves  at you', action: true });
  expect(readWritten('/ME waves')).toMatchObject({ action: true });
  expect(readWritten('/me ')).toEqual({ kind: 'unfinished', name: 'me' });
  expect(readWritten('/mewaves')).toEqual({ kind: 'unknown', name: 'mewaves' });
  expect(readWritten('//me waves')).toEqual({ kind: 'said', text: '/me waves', action: false });
});

it('knows its commands, and says nothing that only looks like one', () => {
  expect(readWritten('/quiet', true, true)).toEqual({ kind: 'quiet' });
  expect([readWritten('/quiet'), readWritten('/quiet please', true, true)]).toEqual([{ kind: 'unknown', name: 'quiet' }, { kind: 'unknown', name: 'quiet' }]);
  expect(readWritten('/help')).toEqual({ kind: 'command', command: 'help' });
  expect(readWritten('/HELP ')).toEqual({ kind: 'command', command: 'help' });
  expect(readWritten('/help my printer is on fire')).toEqual({ kind: 'unknown', name: 'help' });
  expect(readWritten('/w bea secret')).toEqual({ kind: 'unknown', name: 'w' });
  expect(readWritten('/ w bea secret')).toEqual({ kind: 'unknown', name: '' });
  expect(readWritten('/constructor')).toEqual({ kind: 'unknown', name: 'constructor' });
});

it('throws dice where there are any, and asks for them where they are missing', () => {
  expect(readWritten('/roll 2d6')).toEqual({ kind: 'roll', dice: '2d6' });
  expect(readWritten('/ROLL D20 ')).toEqual({ kind: 'roll', dice: 'd20' });
  expect(readWritten('/roll')).toEqual({ kind: 'unfinished', name: 'roll' });
  expect(readWritten('/roll many')).toEqual({ kind: 'unfinished', name: 'roll' });
  expect(readWritten('/roll 100d1000')).toMatchObject({ kind: 'roll' });
  for (const dice of ['101d6', '2d1001', '99999d6', '0d6', 'd1', '2d']) expect(readWritten(`/roll ${dice}`)).toEqual({ kind: 'unfinished', name: 'roll' });
  expect(readWritten('/roll 2d6', false)).toEqual({ kind: 'unknown', name: 'roll' });
});
