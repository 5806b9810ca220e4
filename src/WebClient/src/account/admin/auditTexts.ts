import { isKey, t } from '../../i18n/i18n.svelte';
import { nameOf, valueText } from './settingTexts';
import type { AuditEntry, SettingValue } from './wire';

const arrow = ' → ';

/** Who did what. An act that this page does not know is named as the server names it. */
export function auditText({ by, act, target }: AuditEntry): string {
  const key = `admin.act.${act}`;
  const what = { by, target: (act === 'setting' && target ? nameOf(target) : target) ?? '' };
  return isKey(key) ? t(key, what) : t('admin.act.other', { ...what, act });
}

/** What there is to say besides: of a setting, what it was and what it is. */
export function auditDetail({ act, target, detail }: AuditEntry): string | null {
  if (act !== 'setting' || !detail || !target) return detail ?? null;
  return detail.split(arrow).map((value) => valueText(readValue(value, target), null)).join(arrow);
}

function readValue(text: string, name: string): SettingValue {
  // Switches were noted as numbers, once.
  if (/:Enabled$/.test(name)) return text === 'true' || text === '1';
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
