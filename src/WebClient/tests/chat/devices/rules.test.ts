import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { numberOf, RoomRules, termsOf, typedOf, wrongOf, type Rule, type Typed } from '../../../src/chat/devices/rules.svelte';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const typed = (changes: Partial<Typed> = {}): Typed => ({ ...typedOf(null, '{topic}: {value}'), name: 'Heat', filter: 'bed/temp', threshold: '30', ...changes });
const rule: Rule = { id: 'rule-abc', by: 'ana', at: '2026-11-30T10:00:00Z', works: true, terms: termsOf(typed()), runs: [] };
let calls: string[] = [];
let answers: Record<string, [number, unknown]> = {};

beforeEach(() => {
  calls = [];
  answers = { 'GET /api/rooms/yard/rules': [200, { most: 20, rules: [rule] }] };
  vi.stubGlobal('document', { activeElement: null, body: {} });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    calls.push(`${init.method} ${path}${typeof init.body === 'string' ? ` ${init.body}` : ''}`);
    const [status, body] = answers[`${init.method} ${path}`] ?? [204, undefined];
    return Promise.resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('What is typed of a rule', () => {
  it.each([
    ['30', 30],
    [' -1,5 ', -1.5],
    ['.5', 0.5],
    ['1e3', NaN],
    ['', NaN],
    ['warm', NaN],
  ])('is a number or none: %s', (text, number) => expect(numberOf(text)).toBe(number));

  it.each([
    [{}, []],
    [{ name: ' ', filter: '', text: '' }, ['name', 'filter', 'text']],
    [{ threshold: 'x', hysteresis: '-1' }, ['threshold', 'hysteresis']],
    [{ when: 'equals' as const }, ['value']],
    [{ when: 'changes' as const, threshold: '' }, []],
    [{ when: 'silent' as const, minutes: '0' }, ['minutes']],
    [{ when: 'silent' as const, minutes: '0,5' }, []],
  ])('is wrong in the fields of its kind: %j', (changes, wrong) => expect(wrongOf(typed(changes))).toEqual(wrong));

  it('becomes what the kind has, and comes back as it was', () => {
    expect(termsOf(typed({ hysteresis: '2', path: ' a.b ', value: 'left over', minutes: '9' }))).toEqual({
      name: 'Heat', filter: 'bed/temp', when: 'above', text: '{topic}: {value}', threshold: 30, hysteresis: 2, path: 'a.b',
    });
    const silent = termsOf(typed({ when: 'silent', minutes: '1,5', path: 'a' }));
    expect(silent).toEqual({ name: 'Heat', filter: 'bed/temp', when: 'silent', text: '{topic}: {value}', seconds: 90 });
    expect(termsOf(typedOf(silent, ''))).toEqual(silent);
  });
});

describe('The rules of a room', () => {
  it('are made, changed and removed, and the list is read anew', async () => {
    const rules = new RoomRules('yard');
    expect(await rules.save(null, rule.terms)).toBe(true);
    expect(calls[0]).toMatch(/^POST \/api\/rooms\/yard\/rules \{"name":"Heat"/);
    expect(await rules.save(rule, rule.terms)).toBe(true);
    answers['DELETE /api/rooms/yard/rules/rule-abc'] = [404, { code: 'no_such_rule' }];
    expect(await rules.remove(rule)).toBe(true);
    expect(calls.map((one) => one.split(' ')[0])).toEqual(['POST', 'GET', 'PUT', 'GET', 'DELETE', 'GET']);
    expect(rules.list.value?.all).toEqual([rule]);
  });

  it('stay as they are when the server refuses, and its fields are told', async () => {
    const rules = new RoomRules('yard');
    answers['POST /api/rooms/yard/rules'] = [400, { code: 'invalid_fields', errors: { filter: [{ code: 'invalid', message: 'x' }] } }];
    expect(await rules.save(null, rule.terms)).toBe(false);
    expect(rules.form.fields['filter']?.[0]?.code).toBe('invalid');
    rules.begin();
    expect(rules.form.problem).toBeNull();
  });

  it('are tested without a word in the room', async () => {
    const rules = new RoomRules('yard');
    answers['POST /api/rooms/yard/rules/rule-abc/test'] = [200, { text: '31!', topic: 'bed/temp', value: '31' }];
    await rules.test(rule);
    expect(rules.would).toEqual({ id: 'rule-abc', text: '31!', topic: 'bed/temp', value: '31' });
    answers['POST /api/rooms/yard/rules/rule-abc/test'] = [503, { code: 'busy' }];
    await rules.test(rule);
    expect([rules.would, rules.act.general?.code]).toEqual([null, 'busy']);
  });
});
