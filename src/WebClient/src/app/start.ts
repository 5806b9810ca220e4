import { reloadOnce } from '../lib/reloadOnce';
import { within } from '../lib/within';

/** Milliseconds before a file that did not come is asked for again: each time that it fails. */
const pauses = [300, 1_000, 3_000];
/** Milliseconds. */
const answeredWithin = 10_000;

/**
 * Sees to it that the files come that the document itself names: without its script a page is blank, without its styles a heap. What did not come is asked
 * for again; when it is there, styles are put in anew and a script has the page loaded anew, for a browser may remember that a module did not come. When
 * it does not come at all, the sentence shows that stands in the document for this, with a button (`#stuck`). Once the page has drawn something, its
 * parts see to themselves (`lib/part`).
 */
export function watchStart(language: string): void {
  // Neither the body nor the page's styles are there yet, and the content security policy refuses styles in the document.
  const hiding = new CSSStyleSheet();
  hiding.replaceSync(`#stuck { display: none !important } #stuck :not(:lang(${language}))[lang] { display: none }`);
  document.adoptedStyleSheets = [hiding];
  const say = () => {
    if (hiding.cssRules.length > 1) hiding.deleteRule(0);
  };

  const triedAnew = new Set<string>();
  let gathering = false;
  addEventListener(
    'error',
    ({ target }) => {
      const isDrawn = document.querySelector('#app > *') !== null;
      if (target instanceof HTMLScriptElement && target.type === 'module' && !isDrawn && !gathering) {
        gathering = true;
        void comesAll([target.src, ...importsOf()]).then((came) => {
          if (!came || !reloadOnce()) say();
        });
      } else if (target instanceof HTMLLinkElement && target.rel === 'stylesheet' && (!isDrawn || triedAnew.has(target.href))) {
        const isSecond = triedAnew.has(target.href);
        triedAnew.add(target.href);
        void (isSecond ? Promise.resolve(false) : comes(target.href)).then((came) => {
          if (came) target.replaceWith(target.cloneNode());
          else say();
        });
      }
    },
    // An element's own errors do not rise.
    { capture: true },
  );

  document.addEventListener('submit', (event) => {
    if (!(event.target instanceof Element) || event.target.closest('#stuck') === null) return;
    // The form alone would lose what the address asks for.
    event.preventDefault();
    location.reload();
  });
}

function importsOf(): string[] {
  return [...document.querySelectorAll<HTMLLinkElement>('link[rel=modulepreload]')].map((link) => link.href);
}

async function comesAll(urls: readonly string[]): Promise<boolean> {
  return (await Promise.all(urls.map(comes))).every((came) => came);
}

/** It is in the browser's cache then. */
async function comes(url: string): Promise<boolean> {
  for (const pause of pauses) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const came = await within(answeredWithin, async (signal) => (await fetch(url, { signal })).ok).catch(() => false);
    if (came) return true;
  }
  return false;
}
