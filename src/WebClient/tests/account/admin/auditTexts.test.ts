import { beforeAll, expect, it } from 'vitest';
import { auditDetail, auditText } from '../../../src/account/admin/auditTexts';
import type { AuditEntry } from '../../../src/account/admin/wire';
import { language } from '../../../src/i18n/i18n.svelte';
import { enAdmin } from '../../../src/i18n/enAdmin';
import { ptBRAdmin } from '../../../src/i18n/ptBRAdmin';

beforeAll(() => language.enter('admin', { en: async () => enAdmin, 'pt-BR': async () => ptBRAdmin }));

const said = (entry: Partial<AuditEntry>) => {
  const full = { at: '2026-11-30T22:00:00.000Z', by: 'ana', act: 'setting', ...entry };
  return [auditText(full), auditDetail(full)];
};

it('a setting is told by its name and values as the list of settings shows them', () => {
  expect(said({ target: 'Guests:Enabled', detail: '0 → 1' })).toEqual(['ana changed the setting “Guests”', 'off → on']);
  expect(said({ target: 'Guests:Enabled', detail: 'true → false' })).toEqual(['ana changed the setting “Guests”', 'on → off']);
  expect(said({ target: 'Limits:TextLength', detail: '4000 → 2000' })[1]).toBe('4,000 → 2,000');
});

it('what is told of a setting or act that this page does not know, and of all others, stands there as it came', () => {
  expect(said({ target: 'Limits:New', detail: 'a → b' })).toEqual(['ana changed the setting “Limits:New”', 'a → b']);
  expect(said({ act: 'ban', target: 'bea', detail: '0 → 1' })).toEqual(['ana banned @bea', '0 → 1']);
  expect(said({ act: 'new', target: 'bea' })).toEqual(['ana: new bea', null]);
});
