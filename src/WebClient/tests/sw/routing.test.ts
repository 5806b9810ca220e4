import { describe, expect, it } from 'vitest';
import { answering, belongsTogether, outlived } from '../../src/sw/routing';

const files = new Set(['assets/index-1.js', 'favicon.svg', 'icon-192.png']);

describe.each(['https://site.example/', 'https://site.example/chat/'])('below %s', (scope) => {
  const ask = (path: string, { method = 'GET', mode = 'cors' } = {}) => answering({ method, mode, url: new URL(path, scope).href }, scope, files);

  it.each(['', 'rooms/lobby', 'account/sessions', 'apiary', 'rooms?x=1.2'])('P19: an address of the page, %j, is answered with it', (path) => {
    expect(ask(path, { mode: 'navigate' })).toBe('page');
  });

  it.each(['assets/index-1.js', 'favicon.svg', 'icon-192.png', 'assets/chat-of-another-version.js'])('P19: %s is a file that may be kept', (path) => {
    expect(ask(path)).toBe('file');
  });

  it.each(['api', 'api/session', 'api/rooms/lobby/events?limit=50', 'mqtt', 'health/ready'])('P19: %s is never answered from a cache', (path) => {
    expect(ask(path)).toBe('network');
    expect(ask(path, { mode: 'navigate' })).toBe('network');
  });

  it('P19: nor is what changes something, is no file of the page, or lies elsewhere', () => {
    expect(ask('assets/index-1.js', { method: 'POST' })).toBe('network');
    expect(ask('sw.js')).toBe('network');
    expect(ask('notes.txt', { mode: 'navigate' })).toBe('network');
    expect(ask('https://elsewhere.example/assets/index-1.js')).toBe('network');
    if (scope.endsWith('/chat/')) expect(ask('/', { mode: 'navigate' })).toBe('network');
  });
});

describe('the caches of older versions', () => {
  const names = ['of-somebody-else', 'webmessenger-page-a', 'webmessenger-page-b', 'webmessenger-page-c', 'webmessenger-page-d', 'webmessenger-page-now'];

  it('P19: stay while other pages are open, which may need their files, but not for ever', () => {
    expect(outlived(names, 'webmessenger-page-now', 1)).toEqual(['webmessenger-page-a']);
    expect(outlived(names.slice(0, 4), 'webmessenger-page-now', 1)).toEqual([]);
  });

  it('P19: go when no other page is open, and nobody else’s does', () => {
    expect(outlived(names, 'webmessenger-page-now', 0)).toEqual(names.slice(1, 5));
  });

  it.each([0, 1])('P19: that of a newer version, which is just being installed, stays (%d others open)', (others) => {
    const installing = [...names, 'webmessenger-page-next'];
    expect(outlived(installing, 'webmessenger-page-now', others)).toEqual(outlived(names, 'webmessenger-page-now', others));
    expect(outlived(names, 'webmessenger-page-next', others)).toEqual([]);
  });
});

describe('a page and its files', () => {
  it('P19: belong together only if every file that the page begins with is among them', () => {
    const page = (script: string) => `<link rel="icon" href="favicon.svg" /><script type="module" src="./assets/${script}"></script>`;
    expect(belongsTogether(page('index-1.js'), files)).toBe(true);
    expect(belongsTogether(page('index-2.js'), files)).toBe(false);
    expect(belongsTogether('<h1>502 Bad Gateway</h1>', files)).toBe(false);
  });
});
