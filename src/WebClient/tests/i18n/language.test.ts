import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('../../src/i18n/enDoor');
  vi.doUnmock('../../src/i18n/ptBRDoor');
  vi.useRealTimers();
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
    expect([language.current, language.locale, t('app.skip')]).toEqual(['pt-BR', 'pt-BR', 'Ir para o conteúdo']);
    await language.choose('en');
    expect([language.locale, t('app.skip')]).toEqual(['en-GB', 'Skip to the content']);
  });

  it('of two choices the last one counts, whichever texts come first', async () => {
    const { language } = await inBrowserOf('en-GB');
    await Promise.all([language.choose('pt-BR'), language.choose('en')]);
    expect(language.current).toBe('en');
  });
});

describe('language, behind the door', () => {
  it('has few words at the door, and all of them behind it, in each language', async () => {
    const { language, t } = await inBrowserOf('en-GB');
    expect([t('app.skip'), t('chat.sending')]).toEqual(['Skip to the content', 'chat.sending']);
    await language.enter('inside');
    expect([t('app.skip'), t('chat.sending')]).toEqual(['Skip to the content', 'Sending…']);
    await language.choose('pt-BR');
    expect([t('app.skip'), t('chat.sending')]).toEqual(['Ir para o conteúdo', 'Enviando…']);
  });

  it('has all of them also where the language is chosen in the moment of going in', async () => {
    const { language, t } = await inBrowserOf('en-GB');
    await Promise.all([language.choose('pt-BR'), language.enter('inside')]);
    expect(t('chat.sending')).toBe('Enviando…');
  });
});

describe('language, when texts do not come', () => {
  const missing = () => {
    throw new Error('404');
  };

  it('P18: the page is drawn in the other language when the texts of its own do not come', async () => {
    vi.doMock('../../src/i18n/enDoor', missing);
    const { language, t } = await inBrowserOf('en-GB');
    expect([language.current, t('app.skip')]).toEqual(['pt-BR', 'Ir para o conteúdo']);
    await language.choose('pt-BR');
  });

  it('P18: without any texts a text is its key, and what it is made of is no reason to fail', async () => {
    vi.doMock('../../src/i18n/enDoor', missing);
    vi.doMock('../../src/i18n/ptBRDoor', missing);
    const { language, t, tn } = await inBrowserOf('en-GB');
    expect([t('app.skip'), tn('rooms.people', 2)]).toEqual(['app.skip', 'rooms.people.other']);
    await language.choose('en');
  });

  it('P18: texts that did not come are tried again, and a page that shows nothing yet is loaded anew once', async () => {
    vi.resetModules();
    vi.doMock('../../src/i18n/enDoor', missing);
    const { update } = await import('../../src/lib/update.svelte');
    const reloaded = vi.spyOn(update, 'reloadOnce').mockImplementation(() => undefined);
    vi.spyOn(update, 'missed').mockImplementation(async () => void (update.ready = true));
    vi.stubGlobal('navigator', { languages: ['en-GB'] });
    const { language } = await import('../../src/i18n/i18n.svelte');
    await language.load();
    expect([language.current, reloaded.mock.calls.length]).toEqual(['pt-BR', 1]);
    vi.doUnmock('../../src/i18n/enDoor');
    await vi.waitFor(() => expect(language.current).toBe('en'), { timeout: 5_000 });
    expect(reloaded).toHaveBeenCalledTimes(1);
  });

  it('P18: texts that hang count as not there', async () => {
    vi.useFakeTimers();
    vi.doMock('../../src/i18n/enDoor', () => new Promise(() => undefined));
    vi.resetModules();
    vi.stubGlobal('navigator', { languages: ['en-GB'] });
    const { language } = await import('../../src/i18n/i18n.svelte');
    const loaded = language.load();
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await loaded;
    expect(language.current).toBe('pt-BR');
    await language.choose('pt-BR');
  });
});
