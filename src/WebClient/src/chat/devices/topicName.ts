/** As the server bounds data topics (docs/protocol.md). */
const mostBytes = 512;
const mostLevels = 32;

/** Whether it may be published to. A wildcard or U+0000 would end the connection by which the talk goes (MQTT 5, 3.3.2.1 and 1.5.4). */
export function isTopic(text: string): boolean {
  return text !== '' && !/[+#\0]/.test(text) && text.split('/').length <= mostLevels && new TextEncoder().encode(text).length <= mostBytes;
}
