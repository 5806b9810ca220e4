import { beforeEach, describe, expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', activeElement: null, body: undefined }, configurable: true }));

import { enServerSettings } from '../../../src/i18n/enServerSettings';
import { groups, groupsOf, readValue, ServerSettings } from '../../../src/account/admin/serverSettings.svelte';
import { rangeText } from '../../../src/account/admin/settingTexts';
import type { ServerSetting } from '../../../src/account/admin/wire';

const length: ServerSetting = { name: 'Limits:TextLength', value: 4_000, default: 4_000, from: 'file', min: 0, max: 2_147_483_647, unit: 'characters' };
const percent: ServerSetting = { name: 'Limits:FreeDiskPercent', value: 5, default: 5, from: 'file', min: 0, max: 50, unit: 'percent' };
const guests: ServerSetting = { name: 'Guests:Enabled', value: true, default: true, from: 'file', unit: 'switch' };

describe('A setting of the server', () => {
  it.each([
    [percent, '7', 7],
    [percent, ' 50 ', 50],
    [percent, '51', { code: 'range', min: 0, max: 50 }],
    [percent, '-1', { code: 'range', min: 0, max: 50 }],
    [percent, '', { code: 'number' }],
    [percent, 'seven', { code: 'number' }],
    [percent, '1.5', { code: 'number' }],
    [guests, 'false', false],
  ])('%# is read as it is typed, or said to be wrong', (setting, typed, value) => expect(readValue(setting as ServerSetting, typed as string)).toEqual(value));

  it('stands in a group, and one that the page does not know comes last and is not lost', () => {
    const unknown = { ...length, name: 'Limits:Unheard' };
    expect(groupsOf([unknown, percent, guests, length]).map(({ group, settings }) => [group, settings.map(({ name }) => name)])).toEqual([
      ['who', ['Guests:Enabled']],
      ['says', ['Limits:TextLength', 'Limits:FreeDiskPercent']],
      ['other', ['Limits:Unheard']],
    ]);
  });

  it('has a name and a sentence if the page has a place for it', () => {
    for (const name of Object.values(groups).flat()) expect(Object.keys(enServerSettings)).toEqual(expect.arrayContaining([`admin.setting.${name}`, `admin.setting.${name}.is`]));
  });

  it('that nobody has bound is not said to end at what a machine holds', () => {
    expect([rangeText(length), rangeText(percent), rangeText(guests)]).toEqual(['admin.settings.from', 'admin.settings.range', null]);
  });
});

describe('Changing a setting', () => {
  let sent: unknown[];
  let now: ServerSetting[];

  beforeEach(() => {
    [sent, now] = [[], [percent]];
    vi.stubGlobal('fetch', async (_path: string, { method, body }: RequestInit) => {
      if (method === 'PATCH') {
        const change = JSON.parse(body as string) as Record<string, number | null>;
        sent.push(change);
        const to = change[percent.name];
        now = [to === null || to === undefined ? percent : { ...percent, value: to, from: 'here' }];
      }
      return Response.json({ settings: now });
    });
  });

  it('by which less is kept is saved with the password, in its own form, as is undoing what more was kept by', async () => {
    let isProven = false;
    const patch = globalThis.fetch;
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      if (path.endsWith('/proof')) isProven = JSON.parse(init.body as string).password === 'mine';
      if (path.endsWith('/proof')) return isProven ? new Response(null, { status: 204 }) : Response.json({ code: 'invalid_fields', errors: { password: [{ code: 'wrong', message: '' }] } }, { status: 400 });
      if (init.method === 'PATCH' && !isProven) return Response.json({ code: 'proof_needed' }, { status: 403 });
      return patch(path, init);
    });
    const settings = new ServerSettings();
    await settings.fetched.read();
    settings.begin(percent);
    settings.draft = '9';
    expect([await settings.save(percent), settings.open, settings.proof.isAsked]).toEqual([false, percent.name, true]);
    settings.proof.password = 'not mine';
    expect([await settings.save(percent), sent]).toEqual([false, []]);
    settings.proof.password = 'mine';
    expect([await settings.save(percent), settings.open]).toEqual([true, null]);
    isProven = false;
    expect([await settings.undo(), settings.open, settings.draft, settings.saved]).toEqual([false, percent.name, '5', null]);
    settings.proof.password = 'mine';
    expect([await settings.save(now[0]!), settings.proof.isAsked]).toEqual([true, false]);
    expect(sent).toEqual([{ [percent.name]: 9 }, { [percent.name]: null }]);
  });

  it('saves one, and undoing it puts it where it was: back to the file if nobody had changed it here', async () => {
    const settings = new ServerSettings();
    await settings.fetched.read();
    settings.begin(percent);
    settings.draft = '9';
    expect(await settings.save(percent)).toBe(true);
    expect([settings.open, settings.fetched.value?.settings[0]?.value]).toEqual([null, 9]);
    settings.begin(now[0]!);
    settings.draft = '12';
    await settings.save(now[0]!);
    expect(await settings.undo()).toBe(true);
    settings.begin(now[0]!);
    expect(await settings.reset(now[0]!)).toBe(true);
    expect(sent).toEqual([{ [percent.name]: 9 }, { [percent.name]: 12 }, { [percent.name]: 9 }, { [percent.name]: null }]);
    settings.begin(percent);
    settings.draft = '8';
    await settings.save(percent);
    await settings.undo();
    expect(sent.at(-1)).toEqual({ [percent.name]: null });
  });

  it('sends nothing that is wrong, and nothing that is as it was', async () => {
    const settings = new ServerSettings();
    settings.begin(percent);
    settings.draft = '99';
    expect(await settings.save(percent)).toBe(false);
    expect(settings.wrong).toEqual({ code: 'range', min: 0, max: 50 });
    settings.draft = '5';
    expect(await settings.save(percent)).toBe(true);
    expect([settings.open, sent]).toEqual([null, []]);
  });
});
