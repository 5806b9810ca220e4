// In place of packages of the MQTT library that this page never reaches: its own timers and workers (`timerVariant` has ours), and what old browsers lack.
function unreachable(): never {
  throw new Error('This part of the MQTT library was left out of the build.');
}

/** The library lays its table of topic aliases in one as soon as the server offers some. This page sends no aliases, so nothing is ever put in. */
export class LRUCache extends Map {
  constructor() {
    super();
  }

  override set = unreachable;
}
export { unreachable as clearInterval, unreachable as setInterval };
export const { AbortController, AbortSignal } = globalThis;
export default unreachable;
