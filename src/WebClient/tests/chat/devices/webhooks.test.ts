import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isWebhookUrl, RoomWebhooks, withoutSecrets, type Webhook } from '../../../src/chat/devices/webhooks.svelte';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const at = '/api/rooms/yard/webhooks';
const webhook: Webhook = { id: 'webhook-abc', name: 'CI', url: 'https://example.org/in', by: 'ana', at: '2026-11-30T10:00:00Z', works: true, on: true, seq: 7, runs: [] };
let calls: string[] = [];
let answers: Record<string, [number, unknown]> = {};
let whenRead: () => unknown = () => undefined;

beforeEach(() => {
  calls = [];
  whenRead = () => undefined;
  answers = { [`GET ${at}`]: [200, { most: 5, webhooks: [webhook] }] };
  vi.stubGlobal('document', { activeElement: null, body: {} });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    calls.push(`${init.method} ${path}${typeof init.body === 'string' ? ` ${init.body}` : ''}`);
    if (init.method === 'GET') whenRead();
    const [status, body] = answers[`${init.method} ${path}`] ?? [204, undefined];
    return Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('An address', () => {
  it.each([
    [' https://example.org/in?a=b ', true],
    ['http://10.0.0.7:9000/', true],
    ['https://ana:secret@example.org/', false],
    ['ftp://example.org/', false],
    ['example.org/in', false],
    ['', false],
    [`https://example.org/${'a'.repeat(2_000)}`, false],
  ])('may be taken, or cannot be: %s', (text, may) => expect(isWebhookUrl(text)).toBe(may));

  it.each([
    ['https://example.org:8443/in/room', 'https://example.org:8443/in/…'],
    ['https://example.org', 'https://example.org/'],
    ['https://example.org/in?token=hunter2', 'https://example.org/in?…'],
    ['https://hooks.example.org/services/T024BE7LD/Zx81f7Gq0aB3kLm9Pq2R/', 'https://hooks.example.org/services/…'],
    ['https://example.org/Zx81f7Gq0aB3kLm9Pq2R', 'https://example.org/Zx8…'],
    ['nothing', '…'],
  ])('is shown without what may be a secret in it: %s', (text, shown) => expect(withoutSecrets(text)).toBe(shown));
});

describe('The webhooks of a room', () => {
  it('are made with a secret that is known until the dialog closes', async () => {
    const webhooks = new RoomWebhooks('yard');
    answers[`POST ${at}`] = [201, { id: 'webhook-abc', secret: 'whsec_x' }];
    await webhooks.make(' CI ', ' https://example.org/in ');
    expect(calls).toEqual([`POST ${at} {"name":"CI","url":"https://example.org/in"}`, `GET ${at}`]);
    expect([webhooks.secret, webhooks.list.value]).toEqual(['whsec_x', { most: 5, all: [webhook] }]);
    webhooks.begin();
    expect(webhooks.secret).toBeNull();
  });

  it('show their secret before the list is read: nobody makes a second one meanwhile', async () => {
    const webhooks = new RoomWebhooks('yard');
    answers[`POST ${at}`] = [201, { id: 'webhook-abc', secret: 'whsec_x' }];
    const shown: (string | null)[] = [];
    whenRead = () => shown.push(webhooks.secret);
    await webhooks.make('CI', 'https://example.org/in');
    expect(shown).toEqual(['whsec_x']);
  });

  it('stay as they are when the server refuses, which is told', async () => {
    const webhooks = new RoomWebhooks('yard');
    answers[`POST ${at}`] = [400, { code: 'invalid_fields', errors: { url: [{ code: 'invalid', message: 'x' }] } }];
    await webhooks.make('CI', 'http://example.org/in');
    expect([webhooks.secret, webhooks.form.fields['url']?.[0]?.code, calls.length]).toEqual([null, 'invalid', 1]);
    webhooks.begin();
    expect(webhooks.form.problem).toBeNull();
  });

  it('are tested, switched on and removed, and the list is read anew', async () => {
    const webhooks = new RoomWebhooks('yard');
    answers[`POST ${at}/webhook-abc/test`] = [200, { taken: false, why: 'http_500' }];
    await webhooks.test(webhook);
    expect(webhooks.tested).toEqual({ id: 'webhook-abc', taken: false, why: 'http_500' });
    await webhooks.switchOn(webhook);
    expect(webhooks.tested).toBeNull();
    answers[`POST ${at}/webhook-abc/test`] = [503, { code: 'busy' }];
    await webhooks.test(webhook);
    expect([webhooks.tested, webhooks.act.general?.code]).toEqual([null, 'busy']);
    answers[`DELETE ${at}/webhook-abc`] = [404, { code: 'no_such_webhook' }];
    expect(await webhooks.remove(webhook)).toBe(true);
    answers[`DELETE ${at}/webhook-abc`] = [503, { code: 'not_stored' }];
    expect(await webhooks.remove(webhook)).toBe(false);
    expect(calls.map((one) => one.replace(at, ''))).toEqual([
      'POST /webhook-abc/test', 'GET ', 'POST /webhook-abc/on', 'GET ', 'POST /webhook-abc/test', 'GET ', 'DELETE /webhook-abc', 'GET ', 'DELETE /webhook-abc',
    ]);
  });
});
