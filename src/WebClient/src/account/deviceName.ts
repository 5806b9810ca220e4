import { t } from '../i18n/i18n.svelte';

/** The server's words for a browser: "Firefox on Linux", "Firefox", "Linux" or "unknown". Other words are left as they are. */
export function deviceName(device: string): string {
  if (device === 'unknown') return t('sessions.unknownDevice');
  const [browser, system, ...more] = device.split(' on ');
  return browser && system && more.length === 0 ? t('sessions.browserOn', { browser, system }) : device;
}
