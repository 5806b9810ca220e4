import { isKey, t, tn, type PluralKey } from '../../i18n/i18n.svelte';
import { wordsOf } from './words';
import { bytesOf, numberOf } from './units';
import { shortName } from './serverSettings.svelte';
import type { ServerSetting, SettingValue } from './wire';

/** As many as an Int32 holds: nobody has set a bound. */
const unbounded = 2_147_483_647;

/** The words for a setting; one that this page does not know goes by its own name. */
export function nameOf(name: string): string {
  return wordsOf(`admin.setting.${shortName(name)}`) ?? name;
}

/** What it does, in a sentence; null: this page does not know. */
export function meaningOf(name: string): string | null {
  return wordsOf(`admin.setting.${shortName(name)}.is`);
}

/** "30 days", "on". */
export function valueText(value: SettingValue, unit: string | null | undefined): string {
  if (typeof value === 'boolean') return t(value ? 'admin.settings.on' : 'admin.settings.off');
  if (typeof value === 'string') return value;
  if (unit === 'bytes' && value > 0) return bytesOf(value);
  if (unit === 'count') return numberOf(value);
  const key = `admin.unit.${unit}`;
  if (unit && isKey(`${key}.other`)) return tn(key as PluralKey, value, { count: numberOf(value) });
  return unit ? `${numberOf(value)} ${unit}` : numberOf(value);
}

/** What may be typed. */
export function rangeText({ min, max: most, unit }: ServerSetting): string | null {
  const max = most === unbounded ? null : most;
  if (min == null && max == null) return null;
  const from = min == null ? null : valueText(min, unit);
  const to = max == null ? null : valueText(max, unit);
  if (from === null) return t('admin.settings.upTo', { to: to! });
  return to === null ? t('admin.settings.from', { from }) : t('admin.settings.range', { from, to });
}
