// Sums up the TRX files of a test run: failures with their messages, the slowest tests, and last "N passed, N failed".
// usage: node test-summary.mjs FOLDER STATUS    (STATUS: how dotnet test ended)
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const [folder, status] = process.argv.slice(2);
const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).filter(f => f.endsWith('.trx')) : [];
const unescape = s => s.replace(/&#x([0-9A-F]+);/gi, (_, h) => String.fromCodePoint(parseInt(h, 16))).replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&apos;/g, "'").replace(/&amp;/g, '&');
const attribute = (tag, name) => unescape(tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1] ?? '');
const seconds = text => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

const results = files.flatMap(file => {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/<UnitTestResult\b([^>]*?)(\/>|>([\s\S]*?)<\/UnitTestResult>)/g)].map(([, tag, , body = '']) => ({
    name: attribute(tag, 'testName'), outcome: attribute(tag, 'outcome'), seconds: seconds(attribute(tag, 'duration') || '0'),
    message: unescape(body.match(/<Message>([\s\S]*?)<\/Message>/)?.[1] ?? ''), trace: unescape(body.match(/<StackTrace>([\s\S]*?)<\/StackTrace>/)?.[1] ?? ''),
  }));
});

const passed = results.filter(r => r.outcome === 'Passed');
// A skipped test counts as failed: no test of a real engine may be left out without anybody noticing.
const failed = results.filter(r => r.outcome !== 'Passed');
for (const r of failed) console.log(`\n${r.outcome.toUpperCase()}: ${r.name}\n${r.message.trim()}\n${r.trace.split('\n').slice(0, 6).join('\n')}`);
console.log(`\nSlowest of ${results.length} tests (${results.reduce((sum, r) => sum + r.seconds, 0).toFixed(0)} s in all):`);
for (const r of [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 20)) console.log(`${r.seconds.toFixed(1).padStart(7)} s  ${r.name}`);

// dotnet test can fail without a failed test: a crash, a hang, a time-out. That is one failure more.
const broke = Number(status) !== 0 && failed.length === 0;
if (broke && existsSync(join(folder, 'run.log'))) console.log(readFileSync(join(folder, 'run.log'), 'utf8').split('\n').slice(-40).join('\n'));
if (broke) console.log(`\nThe test run itself ended with status ${status}${status === '124' ? ' (out of time)' : ''}.`);
const failures = failed.length + (broke ? 1 : 0);
console.log(`${passed.length} passed, ${failures} failed`);
process.exit(failures === 0 && passed.length > 0 && Number(status) === 0 ? 0 : 1);
