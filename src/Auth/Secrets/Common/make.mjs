// Makes hashes.bin, the common passwords that this program refuses, out of lists in clear: one password a line, perhaps with a number behind it.
//   node src/Auth/Secrets/Common/make.mjs LIST …
// README.md beside it says which lists there are in it.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

// What is shorter, nobody may have.
const fewestCharacters = 10;
const bytesOfHash = 8;

// As CommonPasswords.cs does it.
const swaps = { '@': 'a', 4: 'a', 3: 'e', 1: 'i', '!': 'i', 0: 'o', $: 's', 5: 's', 7: 't' };
const fold = password => [...password.trim().toLowerCase()].map(character => swaps[character] ?? character).join('');

const passwords = process.argv.slice(2)
  .flatMap(list => readFileSync(list, 'utf8').split('\n'))
  .map(line => line.trim().split(/\s/, 1)[0])
  .filter(password => [...password].length >= fewestCharacters)
  .map(fold);
const hashes = [...new Set(passwords)].map(password => createHash('sha256').update(password, 'utf8').digest().subarray(0, bytesOfHash));
if (hashes.length === 0) throw new Error('No list was named, or none has a password that is long enough.');
const sorted = [...new Map(hashes.map(hash => [hash.toString('hex'), hash])).entries()].sort(([one], [other]) => (one < other ? -1 : 1));
writeFileSync(new URL('hashes.bin', import.meta.url), Buffer.concat(sorted.map(([, hash]) => hash)));
console.log(`${sorted.length} passwords`);
