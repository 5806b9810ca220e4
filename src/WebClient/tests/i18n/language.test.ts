import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function inBrowserOf(...languages: string[]) {
  vi.resetModules();
  vi.stubGlobal('navigator', { languages });
  const i18n = await import('../../src/i18n/i18n.svelte');
  await i18n.language.load();
  return i18n;
}

describe('language', () => {
  it.each([
    [['en-GB', 'pt-BR'], 'en', 'en-GB'],
    [['de', 'pt-PT', 'en'], 'pt-BR', 'pt-PT'],
    [['en'], 'en', 'en'],
    [['fr', 'de-AT'], 'en', 'en'],
    [['pt'], 'pt-BR', 'pt'],
  ])('P24: of a browser that wants %j the page speaks %s and writes dates as in %s', async (wanted, current, locale) => {
    const { language } = await inBrowserOf(...wanted);
    expect([language.current, language.locale]).toEqual([current, locale]);
  });

  it('P24: chosen against the browser’s own, the locale is the language’s', async () => {
    const { language, t } = await inBrowserOf('en-GB');
    await language.choose('pt-BR');
    expect([language.current, language.locale, t('app.close')]).toEqual(['pt-BR', 'pt-BR', 'Fechar']);
    await language.choose('en');
    expect([language.locale, t('app.close')]).toEqual(['en-GB', 'Close']);
  });

  it('of two choices the last one counts, whichever texts come first', async () => {
    const { language } = await inBrowserOf('en-GB');
    await Promise.all([language.choose('pt-BR'), language.choose('en')]);
    expect(language.current).toBe('en');
  });
});
