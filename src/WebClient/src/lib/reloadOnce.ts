import { tabStorage } from './storage';

/** Milliseconds. */
const reloadedEvery = 60_000;

/** For a page that shows nothing yet, so that nothing is lost. Not twice within a minute: what failed may fail again. False: it is not loaded anew. */
export function reloadOnce(): boolean {
  const name = 'webmessenger.reloaded';
  if (Date.now() - Number(tabStorage.read(name) ?? 0) < reloadedEvery) return false;
  // Without a memory it could go on for ever: whoever asks has a button.
  if (!tabStorage.write(name, String(Date.now()))) return false;
  location.reload();
  return true;
}
