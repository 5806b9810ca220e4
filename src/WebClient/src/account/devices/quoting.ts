/**
 * A text for YAML, always in double quotes: `no`, `1e3` and `null` are texts, too. JSON's strings are YAML's (1.2, 1.3.2), but for signs that JSON leaves as
 * they are and YAML 1.1 takes for line breaks, or does not take at all.
 */
export function yamlText(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A word for Tasmota's console, which knows no quotes: what would end it, or the command, becomes an underscore. */
export function tasmotaWord(word: string): string {
  return word.replace(/[\s;"'\\\p{C}]/gu, '_');
}
