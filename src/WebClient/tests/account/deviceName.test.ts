import { expect, it, vi } from 'vitest';

vi.stubGlobal('navigator', { languages: ['pt-BR'] });
const { deviceName } = await import('../../src/account/deviceName');
const { language } = await import('../../src/i18n/i18n.svelte');
await language.choose('pt-BR');

it('P38: devices are named in the language of the page', async () => {
  expect(deviceName('Firefox on Linux')).toBe('Firefox no Linux');
  expect(deviceName('Safari on iPhone')).toBe('Safari no iPhone');
  expect(deviceName('unknown')).toBe('Navegador desconhecido');
  await language.choose('en');
  expect(deviceName('Firefox on Linux')).toBe('Firefox on Linux');
  expect(deviceName('unknown')).toBe('Unknown browser');
  await language.choose('pt-BR');
});

it.each(['Firefox', 'iPhone', 'curl', '', 'on', 'a on b on c'])('P38: "%s" is left as the server says it', (name) => {
  expect(deviceName(name)).toBe(name);
});
