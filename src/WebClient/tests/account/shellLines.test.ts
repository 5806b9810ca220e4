import { expect, it } from 'vitest';
import { shellLines } from '../../src/account/shellLines';

it('makes lines that a shell takes as they are', () => {
  expect(shellLines('localhost', 'ana', 'wm_abc', 'lobby', "it's me")).toEqual({
    listen: 'mosquitto_sub -h localhost -u ana -P wm_abc -t rooms/lobby',
    say: `mosquitto_pub -h localhost -u ana -P wm_abc -t rooms/lobby -m 'it'\\''s me'`,
  });
});
