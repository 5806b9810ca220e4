import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function pagesAt(baseURI: string) {
  vi.resetModules();
  vi.stubGlobal('document', { baseURI });
  return import('../../src/lib/base');
}

describe('B25: the pages lie in a folder of their host', () => {
  it('puts the base before paths and takes it off again', async () => {
    const { onHost, fromHost } = await pagesAt('https://site.example/chat/');
    expect(onHost('/rooms/lobby')).toBe('/chat/rooms/lobby');
    expect(fromHost('/chat/rooms/lobby')).toBe('/rooms/lobby');
    expect(fromHost('/chat/')).toBe('/');
    expect(fromHost('/chat')).toBe('/');
  });

  it('leaves the neighbours alone', async () => {
    const { fromHost } = await pagesAt('https://site.example/chat/');
    expect(fromHost('/chatter/')).toBeNull();
    expect(fromHost('/')).toBeNull();
  });

  it('is the whole host by default', async () => {
    const { onHost, fromHost } = await pagesAt('https://chat.example/');
    expect(onHost('/api/session')).toBe('/api/session');
    expect(fromHost('/rooms')).toBe('/rooms');
  });
});
