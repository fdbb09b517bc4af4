// A job's log as rows that one can read.
// node --test tests/flow/ui/transcript.test.mjs
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {hexDump, readEntries, rowsOf, searchable} from '../../../api/ui/transcript.js';

const hexOf = (text) => Buffer.from(text, 'latin1').toString('hex');
const at = (dir, text, ms = 0) => ({ms, dir, port: 'at', hex: hexOf(text)});
const download = (dir, hex, ms = 0) => ({ms, dir, port: 'download', hex});
const rows = (entries, view = 'auto', port = '') => rowsOf(readEntries(entries.map((one) => JSON.stringify(one)).join('\n')), view, port);

test('text that came in pieces is one row, until its line ends or somebody else speaks', () => {
  const got = rows([at('host', 'AT\r\n'), at('board', 'A', 3), at('board', 'T\r\r\n', 4), at('board', '\r\nOK\r\n', 9)]);
  assert.deepEqual(got.map(({ms, dir, text}) => [ms, dir, text]), [[0, 'host', 'AT'], [3, 'board', 'AT'], [9, 'board', 'OK']]);
});

test('a secret ends a row, and is but its length', () => {
  const got = rows([at('host', 'AT+X='), {ms: 1, dir: 'host', port: 'at', secret: 12}, at('host', '"\r\n')]);
  assert.deepEqual(got.map(({kind, n, text}) => [kind, n ?? text]), [['text', 'AT+X='], ['secret', 12], ['text', '"']]);
});

test('the loader is shown as bytes, with the name of its command; what a board prints there is text', () => {
  const got = rows([download('host', 'c0000824000000000007071220c0'), download('board', 'c0010802000712205500000000c0'),
    download('host', hexOf('-----BEGIN CERTIFICATE-----')), download('board', hexOf('ets Jul 29 2019 12:21:46\r\n'))]);
  assert.deepEqual(got.map(({kind, name, text}) => [kind, name ?? text]), [['hex', 'SYNC'], ['hex', 'SYNC'], ['hex', undefined],
    ['text', 'ets Jul 29 2019 12:21:46']]);
});

test('noise is no text, characters of two pieces are whole, and controls can be seen', () => {
  const [noise] = rows([at('board', '\x80\x01\x02\xff\x00\x07')]);
  assert.equal(noise.kind, 'hex');
  const [umlaut] = rows([{ms: 0, dir: 'board', port: 'at', hex: '70c3'}, {ms: 1, dir: 'board', port: 'at', hex: 'bc6d700a'}]);
  assert.equal(umlaut.text, 'pümp');
  const [escape] = rows([at('board', 'boot \x1b[0m of the board\n')]);
  assert.equal(escape.text, 'boot \\x1b[0m of the board');
});

test('one port alone keeps the remarks', () => {
  const got = rows([at('host', 'AT\r\n'), {ms: 1, note: 'waiting'}, download('host', 'c000')], 'auto', 'download');
  assert.deepEqual(got.map(({kind}) => kind), ['note', 'hex']);
});

test('the view that was chosen holds for all', () => {
  assert.deepEqual(rows([at('host', 'AT\r\n')], 'hex').map(({kind}) => kind), ['hex']);
  assert.deepEqual(rows([download('host', 'c000')], 'text').map(({kind}) => kind), ['text']);
});

test('bytes are found in hexadecimal, text in any case', () => {
  const [text, bytes] = rows([at('host', 'AT+GMR\r\n'), download('host', 'c0000824')]);
  assert.ok(searchable(text).includes('at+gmr'));
  assert.ok(searchable(bytes).includes('0008'));
});

test('a dump has sixteen bytes a line', () => {
  const lines = hexDump(Uint8Array.from({length: 20}, (_, i) => 0x41 + i)).split('\n');
  assert.equal(lines[0], '000  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP');
  assert.match(lines[1], /^010 {2}51 52 53 54 {38}QRST$/);
});

test('a board that never ends a line does not make one row of all', () => {
  const got = rows(Array.from({length: 64}, () => at('board', 'x'.repeat(256))));
  assert.equal(got.length, 4);
});
