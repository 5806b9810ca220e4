// The document's first script: a classic one in its head, which runs before anything is painted and while the page's own script is still on its way. It
// is a file because the content security policy refuses inline scripts. The build fills in `PARTS`: which files each part of the page consists of.
import { roomIdPattern } from '../chat/model/roomId';
import type { First } from '../lib/early';
import { browserStorage } from '../lib/storage';
import type { PartName } from './preload';
import { watchStart } from './start';

declare const PARTS: Partial<Record<PartName, string[]>>;

function remembered(name: string): string | null {
  return browserStorage.read(`webmessenger.${name}`);
}

const root = document.documentElement;
const base = new URL(document.baseURI).pathname;

const theme = remembered('theme');
if (theme === 'light' || theme === 'dark') root.style.colorScheme = theme;

const textSize = remembered('textSize');
if (/^\d{2,3}$/.test(textSize ?? '')) root.style.fontSize = `${textSize}%`;
if (remembered('density') === 'compact') root.dataset['density'] = 'compact';

const tags = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
const chosen = remembered('language');
const language: 'en' | 'pt-BR' =
  chosen === 'en' || chosen === 'pt-BR' ? chosen : tags.find((tag) => tag === 'pt' || tag === 'en') === 'pt' ? 'pt-BR' : 'en';
root.lang = language;
watchStart(language);

const fetched = new Set<string>();
const first: First = {
  asked: new Map(),
  preload(part) {
    for (const file of PARTS[part as PartName] ?? []) {
      if (fetched.has(file)) continue;
      fetched.add(file);
      const link = document.createElement('link');
      if (file.endsWith('.css')) {
        link.rel = 'preload';
        link.as = 'style';
      } else {
        link.rel = 'modulepreload';
      }
      // As the build's own loader asks for it, or it is fetched twice.
      link.crossOrigin = '';
      link.href = base + file;
      document.head.append(link);
    }
  },
};

function ask(path: string): void {
  const answer = fetch(base + path.slice(1), { headers: { Accept: 'application/json' }, cache: 'no-store' });
  // Whoever takes it hears of it; nobody has to.
  answer.catch(() => undefined);
  first.asked.set(path, answer);
}

first.preload(language);
ask('/api/session');

// Somebody was signed in here when the page was last open, and probably still is: what they will want is sent for without waiting for the answer.
if (remembered('me') !== null) {
  const path = location.pathname.slice(base.length);
  const named = /^rooms\/([^/]+)\/?$/.exec(path)?.[1];
  const room = path === '' ? 'lobby' : named !== undefined && roomIdPattern.test(named) ? named : null;
  first.preload(`${language}.inside`);
  first.preload('chat');
  first.preload('link');
  ask('/api/rooms?mine=true&limit=200');
  ask('/api/rooms?limit=50');
  if (room !== null) {
    ask(`/api/rooms/${room}`);
    ask(`/api/rooms/${room}/events?limit=50`);
  }
  if (room !== null || path === 'rooms' || path === 'whispers' || path.startsWith('talk/')) root.dataset['opening'] = 'chat';
}

globalThis.webmessenger = first;
