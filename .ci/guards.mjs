// Proves that every guard is tested: builds a copy of the sources in which each guard can be switched off, and runs its tests without it.
// The program itself knows nothing of switches. In the C# sources a guard stands behind a marker, `/* guard: its name */` or a line `// guard: its name`: the first
// reaches to the bracket, comma or semicolon that ends it, the second to the end of the next statement. tests/guards.json says what it is without the guard: `off` in
// place of an expression, `instead` in place of a statement; a guard that stands in several places has them numbered, and `edits`. The browser client has no
// switches: for a guard of its (`pages`, with « » around what changes) it is built anew with `off` in place of the code.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { endOfGuard, findMarkers } from './guardMarkers.mjs';

const tree = 'obj/guards';
const client = 'src/WebClient';
const endToEnd = 'EndToEnd.Tests';
const projects = ['Storage.Tests', 'Cluster.Tests', 'Auth.Tests', 'Broker.Tests', endToEnd];
const secondsForAll = 1200;
const secondsForOne = 150;
const only = process.argv.slice(2);

const all = JSON.parse(readFileSync('tests/guards.json', 'utf8'));
const guards = all.filter(guard => only.length === 0 || only.some(word => guard.guard.includes(word) || guard.attacks.includes(Number(word))));
// A browser's, and some of the server's tests serve them.
const needsPages = guards.some(guard => guard.project === endToEnd || guard.project === 'Broker.Tests');

function copySources() {
  rmSync(tree, { recursive: true, force: true });
  const folders = ['src/Storage', 'src/Cluster', 'src/Auth', 'src/Broker', client, 'tests/Load', 'tests/Wire', 'tests/Postgres', ...projects.map(project => `tests/${project}`), 'tests/contract'];
  const files = ['Directory.Build.props', 'Directory.Packages.props', 'global.json', '.editorconfig', 'appsettings.json'];
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...folders], { encoding: 'utf8' }).split('\n');
  for (const file of [...files, ...listed].filter(file => file !== '' && existsSync(file))) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    copyFileSync(file, join(tree, file));
  }
}

/** The browser client as it stands in the copy, laid beside the server, also where the server's own tests run it. */
function buildPages() {
  if (!existsSync(join(client, 'node_modules'))) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: client, stdio: ['ignore', 'inherit', 'inherit'] });
  const modules = join(tree, client, 'node_modules');
  if (!existsSync(modules)) symlinkSync(resolve(client, 'node_modules'), modules);
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: join(tree, client), stdio: ['ignore', 'ignore', 'inherit'] });
  for (const program of ['src/Broker', 'tests/Broker.Tests'].filter(program => existsSync(join(tree, program, 'bin/Release/net10.0')))) {
    const pages = join(tree, program, 'bin/Release/net10.0/wwwroot');
    rmSync(pages, { recursive: true, force: true });
    cpSync(join(tree, client, 'dist'), pages, { recursive: true });
  }
}

/** What stands for each marker when its guard is off: by the name in the sources, numbered where there are several. */
const edits = new Map(all.flatMap(guard => {
  const places = guard.edits ?? (guard.off === undefined && guard.instead === undefined ? [] : [guard]);
  return places.map((edit, at) => [places.length > 1 ? `${guard.guard} (${at + 1})` : guard.guard, { ...edit, guard: guard.guard }]);
}));

function switched({ guard, off, instead }, inner) {
  const name = JSON.stringify(guard);
  if (instead !== undefined) return `if (global::WebMessenger.GuardSwitch.On(${name})) { ${inner} } else { ${instead} }`;
  if (off === 'false') return `(global::WebMessenger.GuardSwitch.On(${name}) && (${inner}))`;
  if (off === 'true') return `(!global::WebMessenger.GuardSwitch.On(${name}) || (${inner}))`;
  return `(global::WebMessenger.GuardSwitch.On(${name}) ? (${inner}) : (${off}))`;
}

function replaceOnce(file, from, to, why) {
  const path = join(tree, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${why}: this does not stand exactly once in ${file} any more:\n  ${from}\nBring tests/guards.json up to date.`);
  writeFileSync(path, text.replace(from, () => to));
}

function addSwitches() {
  writeFileSync(join(tree, 'src/Storage/GuardSwitch.cs'), `namespace WebMessenger;

public static class GuardSwitch
{
    private static readonly string? Off = Environment.GetEnvironmentVariable("WEBMESSENGER_GUARD_OFF");

    public static bool On(string guard) => guard != Off;
}
`);
  const missing = new Set(edits.keys());
  const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', 'src/*.cs'], { encoding: 'utf8' }).split('\n');
  for (const file of sources.filter(file => file !== '' && existsSync(file))) {
    const path = join(tree, file);
    let text = readFileSync(path, 'utf8');
    // From the last to the first: what a guard reaches over has its own switches by then.
    for (const { name, at, behind, isLine } of findMarkers(text).reverse()) {
      const edit = edits.get(name);
      if (edit === undefined || !missing.delete(name)) throw new Error(`${file}: the guard "${name}" ${edit === undefined ? 'is not in tests/guards.json' : 'stands in the sources twice'}.`);
      const end = endOfGuard(text, behind, isLine);
      text = text.slice(0, at) + switched(edit, text.slice(behind, end)) + text.slice(end);
    }
    writeFileSync(path, text);
  }
  if (missing.size > 0) throw new Error(`These guards are not in the sources any more: ${[...missing].join('; ')}`);
  // A test without its guard mostly waits in vain: not for long.
  replaceOnce('tests/Wire/RawMqttClient.cs', 'TimeSpan.FromSeconds(30)',
    'TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("WEBMESSENGER_GUARD_OFF") is null ? 30 : 12)', 'patience');
}

function build() {
  for (const project of projects.filter(project => guards.some(guard => guard.project === project))) {
    execFileSync('dotnet', ['build', `${tree}/tests/${project}`, '-c', 'Release', '-v', 'q', '-nodeReuse:false', '-p:UseSharedCompilation=false', '-p:WebClientSkip=true',
      '-p:TreatWarningsAsErrors=false', '-p:RunAnalyzers=false', '-p:EnforceCodeStyleInBuild=false'], { stdio: ['ignore', 'inherit', 'inherit'] });
  }
}

/** Without a guard of the browser client: the pages as they would be, and then as they are again. */
async function withoutGuardOfClient(guard, run) {
  if (guard.pages === undefined) return run();
  const before = guard.pages.map(({ file }) => [file, readFileSync(join(tree, file), 'utf8')]);
  for (const { file, code, off } of guard.pages) {
    replaceOnce(file, code.replace(/[«»]/g, ''), code.replace(/«[^»]*»/, () => off), guard.guard);
  }
  buildPages();
  try {
    return await run();
  } finally {
    before.forEach(([file, text]) => writeFileSync(join(tree, file), text));
    buildPages();
  }
}

/** Runs tests, and says how many ran and which were red; `hung` when it had to be stopped, which is red too. */
function run(project, tests, off, seconds) {
  const report = join(tree, `${off === null ? 'all' : `off-${all.findIndex(guard => guard.guard === off)}`}.${project}.json`);
  const env = { ...process.env };
  if (off !== null) env.WEBMESSENGER_GUARD_OFF = off;
  const program = `${tree}/tests/${project}/bin/Release/net10.0/WebMessenger.${project}`;
  const args = ['-noColor', '-result-ctrf', report, ...(off === null ? [] : ['-stopOnFail']), ...tests.flatMap(test => ['-method', test])];
  return new Promise(resolve => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!existsSync(report)) return resolve({ ran: 0, red: [], broke: signal === null ? `ended with ${code}` : 'hung' });
      const results = JSON.parse(readFileSync(report, 'utf8')).results.tests;
      resolve({ ran: results.filter(test => test.status !== 'skipped').length, red: results.filter(test => test.status === 'failed').map(test => test.name), broke: null });
    });
  });
}

console.log('Building the sources with a switch for each guard');
copySources();
addSwitches();
build();
if (needsPages) buildPages();

let failures = 0;
for (const project of projects) {
  const tests = [...new Set(guards.filter(guard => guard.project === project).flatMap(guard => guard.tests))];
  if (tests.length === 0) continue;
  const { ran, red, broke } = await run(project, tests, null, secondsForAll);
  console.log(`With every guard on: ${project}, ${ran} tests, ${red.length} red${broke === null ? '' : `, ${broke}`}`);
  red.forEach(name => console.log(`  ${name}`));
  if (ran === 0 || red.length > 0 || broke !== null) failures++;
}

async function work(waiting) {
  for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
    const { ran, red, broke } = await withoutGuardOfClient(guard, () => run(guard.project, guard.tests, guard.guard, secondsForOne));
    const isProved = red.length > 0 || broke !== null;
    if (!isProved) failures++;
    const verdict = isProved ? `red: ${broke ?? `${red.length} of ${ran}`}` : `GREEN without it (${ran} tests)`;
    const line = `${guard.attacks.join(', ').padEnd(8)} ${guard.guard.padEnd(58)} ${verdict}`;
    console.log(line);
  }
}
console.log('With one guard off (attacks, guard, its tests)');
const quick = guards.filter(guard => guard.project !== endToEnd);
await Promise.all([work(quick), work(quick)]);
// One after the other: they share the pages, and a browser wants the machine.
await work(guards.filter(guard => guard.project === endToEnd));
console.log(`${guards.length} guards, ${failures === 0 ? 'each of them with a test that is red without it' : `${failures} not proved`}`);
process.exit(failures === 0 ? 0 : 1);
