import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Problem } from '../../src/lib/http';

vi.stubGlobal('navigator', { languages: ['en'] });
const { fieldText, problemText, retryText } = await import('../../src/i18n/errors');
const { lineRefusalText, publishText } = await import('../../src/i18n/refusals');
const { language } = await import('../../src/i18n/i18n.svelte');
await language.choose('en');

const problem = (status: number, code: string | null, retryAfter: number | null): Problem => ({ status, code, message: '', fields: {}, retryAfter });

it('P34: what lasts for a while leaves it to the countdown to say how long', () => {
  expect(problemText(problem(429, 'too_many_attempts', null))).toBe('Too many attempts. Wait a moment and try again.');
  expect(problemText(problem(429, 'too_many_attempts', 40))).toBe('Too many attempts.');
  expect(problemText(problem(503, 'busy', 1))).toBe('Many people are signing in.');
  expect(problemText(problem(503, null, 5))).toBe('The server cannot take it right now.');
});

it.each([
  [1, 'Try again in 1 second.'],
  [40, 'Try again in 40 seconds.'],
  [100, 'Try again in 2 minutes.'],
  [3600, 'Try again in 60 minutes.'],
  [5401, 'Try again in about 2 hours.'],
])('P34: %d seconds are told as "%s"', (seconds, text) => expect(retryText(seconds)).toBe(text));

it.each(['nickname', 'userName', 'displayName'])('P34: a reserved %s is not told as somebody else’s', (field) => {
  const text = (code: string) => fieldText({ [field]: [{ code, message: '' }] }, field);
  expect(text('looks_taken')).not.toBeNull();
  expect(text('reserved')).not.toBeNull();
  expect(text('reserved')).not.toBe(text('looks_taken'));
});

it('A3: who has used up the day is told when there is more', () => {
  const again = new Date();
  again.setHours(10, 32);
  expect([lineRefusalText('users/bea', { code: 0x87, text: '' }), lineRefusalText('rooms/lobby', { code: 0x87, text: '' })]).toEqual(['Nobody of this user name can be written to.', 'You may not write here.']);
  expect(publishText({ code: 0x97, text: '', name: 'quota', again: again.getTime() })).toMatch(/^You have written as much as fits in a day. Try again after 10:32\sAM.$/);
  expect(publishText({ code: 0x97, text: '', name: 'quota', again: again.getTime() + 3 * 86_400_000 })).toMatch(/after \w+ \d+, \d+, 10:32\sAM.$/);
});

it('S31: who has used up the day is told so, and not to wait a moment', () => {
  expect(publishText({ code: 0x97, text: 'In other words than before.', name: 'quota' })).toBe('You have written as much as fits in a day. Try again later.');
  expect(publishText({ code: 0x97, text: 'The message could not be stored. Send it again later.', name: 'busy' })).toBe('The server cannot take it right now. Wait a moment and try again.');
});

describe('what the server refuses', () => {
  const server = join(import.meta.dirname, '../../../');
  const read = (folder: string) => readdirSync(join(server, folder), { encoding: 'utf8' }).map((name) => readFileSync(join(server, folder, name), 'utf8'));
  const found = (sources: string[], pattern: RegExp) => [...new Set(sources.flatMap((source) => [...source.matchAll(pattern)].map((match) => match[1]!)))].sort();
  const api = read('Broker/Api').filter((source) => source.includes('Problem'));
  const problems = [
    ...found(api, /\bOf\(\s*(?:status|StatusCodes\.\w+),\s*"([a-z_]+)"/g),
    ...found(api, /\b(?:Forbidden|Conflict|NotFound|TooOften)\(\s*"([a-z_]+)"/g),
    // What the framework refuses by itself.
    ...found(api, /=> \("([a-z_]+)", "/g),
  ];
  const fields = [...found(api, /\bField(?:Error)?\(\s*"\w+",\s*(?:[^"]*\? )?"([a-z_]+)"/g), ...found(read('Auth/Outcomes'), /const string \w+ = "([a-z_]+)"/g)];
  const notices = [...readFileSync(join(server, '../docs/protocol.md'), 'utf8').matchAll(/^\| (?:0x\w\w)? ?\| `([a-z_]+)` \|/gm)].map((match) => match[1]!);

  it('P34: is seen: problems, fields and notices of every shape', () => {
    for (const code of ['banned', 'unknown_host', 'not_allowed', 'epoch', 'too_many_invitations', 'broken_body', 'server_error', 'method_not_allowed']) expect(problems).toContain(code);
    for (const code of ['required', 'invalid', 'looks_taken', 'past']) expect(fields).toContain(code);
    for (const code of ['bad_command', 'quota', 'will_dropped']) expect(notices).toContain(code);
  });

  it.each([...problems, ...notices])('P34: the code %s has words in the reader’s language, and not the server’s own', (code) => {
    expect(problemText({ ...problem(400, code, null), message: 'the server’s own' })).not.toBe('the server’s own');
  });

  it.each(fields)('P34: the code %s of a field has words, too', (code) => {
    expect(fieldText({ any: [{ code, message: 'the server’s own' }] }, 'any')).not.toBe('the server’s own');
  });

  it('P34: why somebody is banned is told in the operator’s words', () => {
    expect(problemText({ ...problem(403, 'banned', null), message: 'This account is banned: spam' })).toBe('This account is banned.');
    expect(problemText({ ...problem(403, 'banned', null), reason: 'spam' })).toBe('This account is banned: spam');
  });
});
