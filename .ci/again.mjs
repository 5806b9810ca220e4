// What failed in one report, if it is little, once more and alone: the machine may have been busy with all else.
// Prints the methods, a line each; with a second report, writes into the first what came of them there.
// A test that passes only alone is a race, of the test or of the program: the tally names it.
import { readFileSync, writeFileSync } from 'node:fs';

const most = 3;
const [first, second] = process.argv.slice(2);
const report = JSON.parse(readFileSync(first, 'utf8'));
const { tests } = report.results;
const failed = tests.filter((test) => test.status === 'failed');
const methodOf = (test) => test.name.replace(/\(.*$/s, '');

if (second) {
  const again = JSON.parse(readFileSync(second, 'utf8')).results.tests;
  for (const test of failed) {
    const passed = again.find((other) => other.name === test.name)?.status === 'passed';
    if (passed) Object.assign(test, { status: 'passed', flaky: true, retries: 1 });
  }
  writeFileSync(first, JSON.stringify(report));
} else {
  const methods = [...new Set(failed.map(methodOf))];
  if (methods.length <= most) methods.forEach((method) => console.log(method));
}
