// Makes rgi.txt: node make.mjs unicode-emoji-json/data-by-emoji.json > rgi.txt. The list gives the sequences, Node's ICU judges them and their skin tones.
import { readFileSync } from 'node:fs';

const isRgi = text => /^\p{RGI_Emoji}$/v.test(text);
const tones = ['🏻', '🏼', '🏽', '🏾', '🏿'];
const all = new Set();

/** Every way of giving skin tones to the parts of a sequence that take one. */
function toned(parts) {
  return parts.reduce((ways, part) => {
    const bare = part.replace('\uFE0F', '');
    const own = /^\p{Emoji_Modifier_Base}$/u.test(bare) ? [part, ...tones.map(tone => bare + tone)] : [part];
    return ways.flatMap(way => own.map(one => [...way, one]));
  }, [[]]).map(way => way.join('\u200D'));
}

const [, , data] = process.argv;
for (const emoji of Object.keys(JSON.parse(readFileSync(data, 'utf8')))) {
  for (const one of toned(emoji.split('\u200D'))) if (isRgi(one)) all.add(one);
}

// Two people of whom each has a tone of its own: the list has one sign for both.
const pairs = [
  ['🤝', ['🧑🧑', '👩👩', '👩👨', '👨👨']], ['❤️', ['🧑🧑']], ['❤️\u200D💋', ['🧑🧑']], ['🐰', ['🧑🧑', '👩👩', '👨👨']], ['🫯', ['🧑🧑', '👩👩', '👨👨']],
];
for (const [sign, people] of pairs) {
  for (const [one, other] of people.map(pair => [...pair])) for (const text of toned([one, sign, other])) if (isRgi(text)) all.add(text);
}
for (const one of tones) for (const other of tones) all.add(`🫱${one}\u200D🫲${other}`);
process.stdout.write([...all].filter(isRgi).sort().join('\n') + '\n');
