import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Run } from '../../../src/chat/devices/bots.svelte';
import { hasFailed, runText, whyText } from '../../../src/chat/devices/runs';

const run = (outcome: string, why = '', times = 1): Run => ({ at: '2026-11-30T10:00:00Z', outcome, why, times });

it.each([
  [run('said'), 'Said.', false],
  [run('sent', '', 3), 'Taken. · 3 times', false],
  [run('failed', 'http_503', 2), 'Not taken. Its address answered with 503. · 2 times', true],
  [run('refused', 'hook_ended'), 'Refused. Who made it is no moderator here any more.', true],
  [run('new_here', 'not_known'), 'new_here not_known', false],
])('what was done is told in words: %j', (one, text, failed) => expect([runText(one), hasFailed(one)]).toEqual([text, failed]));

it('an address that cannot be reached is not told as this server, which answers', () => {
  expect(whyText('unreachable')).toBe('Its address could not be reached.');
});

it('all that the server notes of webhooks has words', () => {
  const folder = join(import.meta.dirname, '../../../../Broker/Webhooks');
  const source = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const codes = [
    ...[...source.matchAll(/runs\.Add\([^;]*"failed", "([a-z_]+)"/g)].map((match) => match[1]!),
    ...[...source.matchAll(/new WebhookAnswer\(([^;]*)\);/g)].flatMap((match) => [...match[1]!.matchAll(/"([a-z_]+)"/g)].map((code) => code[1]!)),
  ];
  expect(codes).toEqual(expect.arrayContaining(['epoch', 'webhook_off', 'timeout', 'not_public', 'tls', 'unreachable']));
  expect(codes.filter((code) => whyText(code) === code)).toEqual([]);
});
