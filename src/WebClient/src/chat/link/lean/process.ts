// What of Node.js's `process` the MQTT library asks for. It takes the name from the global object, so this is imported before it.
const inNode = {
  nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]): void => queueMicrotask(() => callback(...args)),
  env: {},
  version: 'v20.0.0',
  emitWarning: (): void => {},
};

const scope = globalThis as { process?: unknown };
scope.process ??= inNode;

export default inNode;
