// Counts what the result files say, names what failed, and ends with "N passed, N failed" (", N skipped" if any).
// Exit code 0 only if something ran, nothing failed, and the run that wrote the files ended well.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...options] = process.argv.slice(2);
const lineOnly = options.includes('--line-only');
const exitCode = options.includes('--exit-code') ? Number(options[options.indexOf('--exit-code') + 1]) : 0;

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const secondTries = [];

const excerpt = (reason) => reason.trim().split('\n').slice(0, 12).join('\n    ');

function count(status, name, reason) {
  if (status === 'passed') {
    total.passed++;
  } else if (status === 'failed') {
    total.failed++;
    failures.push(reason ? `${name}\n    ${excerpt(reason)}` : name);
  } else {
    total.skipped++;
  }
}

function countDotnet({ results }, file) {
  for (const test of results.tests) {
    // "pending" is a test that was asked not to run; "other" is none that ended well.
    if (test.flaky) secondTries.push(test.message ? `${test.name}\n    ${excerpt(test.message)}` : test.name);
    count(test.status === 'other' ? 'failed' : test.status, test.name, test.message);
  }
  for (const error of (results.extra?.suites ?? []).flatMap((suite) => suite.errors ?? [])) {
    count('failed', `${file}: outside of any test`, error.message ?? JSON.stringify(error));
  }
  if (results.tests.length === 0) {
    count('failed', `${file}: no test ran`);
  }
}

function countVitest(report, file) {
  for (const suite of report.testResults) {
    for (const test of suite.assertionResults) {
      count(test.status, test.fullName, test.failureMessages?.join('\n'));
    }
    if (suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed')) {
      count('failed', suite.name, suite.message);
    }
  }
  if (report.testResults.length === 0) {
    count('failed', `${file}: no test ran`);
  }
}

for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
  const read = () => readFileSync(join(folder, file), 'utf8');
  try {
    if (file.endsWith('.ctrf.json')) {
      countDotnet(JSON.parse(read()), file);
    } else if (file.endsWith('.vitest.json')) {
      countVitest(JSON.parse(read()), file);
    } else if (file === 'failed-steps.txt') {
      for (const step of read().split('\n').filter(Boolean)) {
        count('failed', step);
      }
    }
  } catch (error) {
    count('failed', `${file} cannot be read`, String(error));
  }
}

if (total.failed === 0 && (exitCode !== 0 || total.passed === 0)) {
  count('failed', exitCode !== 0 ? `the run ended with exit code ${exitCode}` : 'no test ran');
}

if (!lineOnly && failures.length > 0) {
  console.log(`Failed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
}
if (!lineOnly && secondTries.length > 0) {
  console.log(`Passed only alone, the second time; a race of the test or of the program, to be found:\n${secondTries.map((test) => `  ${test}`).join('\n')}`);
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed === 0 ? 0 : 1);
