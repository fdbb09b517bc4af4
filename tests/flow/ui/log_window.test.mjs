// Which rows of a long transcript are in the page.
// node --test tests/flow/ui/log_window.test.mjs
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {LogWindow, WINDOW} from '../../../api/ui/pages/log_window.js';

const ROWS = 2 * WINDOW + 50;
const rows = (n = ROWS) => Array.from({length: n}, (_, i) => ({ms: i, kind: 'text', text: `row ${i} of ${i % 2 ? 'Odd' : 'even'}`}));

function opened(n, wanted = '') {
  const log = new LogWindow();
  log.take(rows(n), wanted);
  return log;
}

const seen = (log) => [log.shown[0]?.ms, log.shown.at(-1)?.ms];

test('it is turned from end to end', () => {
  const log = opened();
  assert.deepEqual(seen(log), [0, WINDOW - 1]);
  log.turnTo('after');
  assert.deepEqual(seen(log), [WINDOW, 2 * WINDOW - 1]);
  log.turnTo('last');
  assert.deepEqual(seen(log), [2 * WINDOW, ROWS - 1]);
  assert.ok(log.isAtEnd);
  log.turnTo('after');
  assert.equal(log.first, 2 * WINDOW);
  log.turnTo('before');
  assert.equal(log.first, WINDOW);
  log.turnTo('first');
  log.turnTo('before');
  assert.equal(log.first, 0);
});

test('few rows are whole, and none are no fault', () => {
  assert.ok(opened(WINDOW).isWhole && !opened(WINDOW + 1).isWhole);
  const log = opened(0, 'row');
  assert.deepEqual([log.shown, log.found, log.at, log.begins.last, log.step(1)], [[], [], -1, 0, undefined]);
});

test('who looks at the end sees what comes; others stay where they are', () => {
  const log = opened();
  log.turnTo('after');
  log.take(rows(ROWS + 1), '');
  assert.equal(log.first, WINDOW);
  log.turnTo('last');
  log.take(rows(ROWS + 300), '');
  assert.deepEqual(seen(log), [ROWS + 300 - WINDOW, ROWS + 299]);
  log.take(rows(10), '');
  assert.equal(log.first, 0);
});

test('what is found is brought into the window, round and round', () => {
  const log = opened();
  log.search('ROW 399');
  assert.deepEqual([log.found, log.at, log.first], [[399], 0, WINDOW]);
  log.search('even');
  assert.deepEqual([log.found.length, log.at, log.first], [ROWS / 2, 0, 0]);
  assert.equal(log.step(-1).ms, ROWS - 2);
  assert.equal(log.first, 2 * WINDOW);
  assert.equal(log.step(1).ms, 0);
  assert.equal(log.first, 0);
  log.search('nowhere');
  assert.deepEqual([log.found, log.at], [[], -1]);
});

test('new rows leave the one that is looked at', () => {
  const log = opened();
  log.search('odd');
  log.step(1);
  log.take(rows(ROWS + 100), 'odd');
  assert.deepEqual([log.found[log.at], log.found.length], [3, (ROWS + 100) / 2]);
  log.take(rows(2), 'odd');
  assert.deepEqual([log.found, log.at], [[1], 0]);
});

test('bytes are found by their digits, however these are written', () => {
  const log = new LogWindow();
  log.take([{kind: 'hex', hex: 'c0000824'}, {kind: 'text', text: '00 08'}], '0x00 08');
  assert.deepEqual(log.found, [0]);
  log.search('00 08');
  assert.deepEqual(log.found, [0, 1]);
});
