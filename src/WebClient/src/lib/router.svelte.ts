import { fromHost, onHost } from './base';

/** The page's path below the base, kept in step with the address bar. */
class Router {
  path = $state(here());
  /** The address's query, with its question mark; empty: it has none. */
  query = $state(location.search);

  constructor() {
    addEventListener('popstate', () => {
      this.path = here();
      this.query = location.search;
    });
  }

  /** `address` is one of ours, with a query or without. */
  go(address: string, { replace = false } = {}): void {
    if (address === here() + location.search) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', onHost(address));
    this.path = here();
    this.query = location.search;
  }
}

function here(): string {
  return fromHost(location.pathname) ?? '/';
}

export const router = new Router();

/** Links of the page change the route without loading it; everything else (new tab, another button) stays the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element | null)?.closest('a');
  if (!anchor || anchor.target !== '' || anchor.hasAttribute('download') || anchor.origin !== location.origin) return;
  if (anchor.getAttribute('href')?.startsWith('#')) {
    // Resolved against the base, a fragment alone would lead to the start page.
    event.preventDefault();
    moveTo(document.getElementById(anchor.hash.slice(1)));
    return;
  }
  const path = fromHost(anchor.pathname);
  if (path === null || anchor.hash !== '') return;
  event.preventDefault();
  router.go(path + anchor.search);
}

/** As the browser does for a fragment: reading and tabbing go on from there. */
function moveTo(element: HTMLElement | null): void {
  if (!element) return;
  if (!element.hasAttribute('tabindex')) element.tabIndex = -1;
  element.focus();
}
