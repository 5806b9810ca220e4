export interface ShellLines {
  listen: string;
  say: string;
}

/** Lines to paste into a shell. The port is the default one: the page cannot know what the server's MQTT listener was set to. */
export function shellLines(host: string, user: string, token: string, room: string, text: string): ShellLines {
  const access = `-h ${quote(host)} -u ${quote(user)} -P ${quote(token)} -t ${quote(`rooms/${room}`)}`;
  return { listen: `mosquitto_sub ${access}`, say: `mosquitto_pub ${access} -m ${quote(text)}` };
}

/** Single quotes unless the word is harmless to every shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
