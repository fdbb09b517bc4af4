// The wizard's state without a page: who gets what, what is said of it, what is ordered, what the next batch has.
// node --test tests/flow/ui/flow.test.mjs
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {assign, begin, chosenSlots, credentialsOf, hasEnded, leftOver, macIn, mayEnter, nextBatch, onBoards, orderOf,
  remarks, startBatch, waiting} from '../../../api/ui/provision/flow.js';

const A = '24:0a:c4:00:00:0a', B = '24:0a:c4:00:00:0b';

function slot(name, more = {}) {
  return [name, {name, state: 'idle', hold: null, queued: 0, board: null, ...more}];
}

function bench(...slots) {
  return new Map(slots);
}

function set(key, mac = null, more = {}) {
  return {fingerprint_sha256: key, common_name: `cn-${key}`, mac, files: [], valid: true, checks: [], earlier: null,
    ...more};
}

function wizard(...sets) {
  const state = begin();
  state.inspection = {files: [], sets, unused: [], checks: []};
  return state;
}

/** slot → key of its credential */
function given(state, slots) {
  return Object.fromEntries([...assign(state, slots)].map(([name, one]) => [name, one?.key ?? null]));
}

let keys = 0;
const newKey = () => `key${++keys}`;

function batch(state, slots) {
  Object.assign(state, startBatch(state, assign(state, slots), newKey));
  return state.rows;
}

function end(row, state) {
  row.phase = 'sent';
  row.job = {id: 'job_1', state, finished_at: '2026-01-01T00:00:00Z'};
}

test('one credential goes to one free slot, without a word from anybody', () => {
  const slots = bench(slot('busy', {state: 'busy'}), slot('left'), slot('right'));
  assert.deepEqual(given(wizard(set('a')), slots), {left: 'a'});
});

test('a credential that names a board goes where this board sits', () => {
  const slots = bench(slot('left', {board: {mac: B}}), slot('right', {board: {mac: A}}));
  assert.deepEqual(given(wizard(set('a', A), set('b', B)), slots), {left: 'b', right: 'a'});
});

test('the others go in order, and none to a board that another one names', () => {
  const state = wizard(set('a', A), set('x'), set('y'));
  const slots = bench(slot('1'), slot('2', {board: {mac: A}}), slot('3'));
  assert.deepEqual(given(state, slots), {1: 'x', 2: 'a', 3: 'y'});
});

test('a credential for a board that is known to sit elsewhere goes to no other', () => {
  const state = wizard(set('a', A));
  state.chosen = ['2'];
  assert.deepEqual(given(state, bench(slot('1', {board: {mac: A}}), slot('2'))), {2: null});
  assert.deepEqual(given(state, bench(slot('1'), slot('2', {board: {mac: B}}))), {2: null});
  assert.deepEqual(given(state, bench(slot('1'), slot('2'))), {2: 'a'});
});

test('what was chosen by hand stays, also that a slot gets none', () => {
  const state = wizard(set('a', A), set('b'));
  state.chosen = ['1', '2'];
  state.byHand = {2: 'a', 1: ''};
  assert.deepEqual(given(state, bench(slot('1', {board: {mac: A}}), slot('2'))), {1: null, 2: 'a'});
  assert.deepEqual(leftOver(state, assign(state, bench(slot('1'), slot('2')))).map((one) => one.key), ['b']);
});

test('a credential chosen by hand that is gone counts as none was chosen', () => {
  const state = wizard(set('b'));
  state.byHand = {1: 'a'};
  state.chosen = ['1'];
  assert.deepEqual(given(state, bench(slot('1'))), {1: 'b'});
});

test('a slot that is gone takes no part', () => {
  const state = wizard(set('a'));
  state.chosen = ['gone', 'here'];
  assert.deepEqual(given(state, bench(slot('here'))), {here: 'a'});
});

test('more slots than credentials: the last have none and stand in the way', () => {
  const state = wizard(set('a'));
  state.chosen = ['1', '2'];
  const slots = bench(slot('1'), slot('2'));
  const assigned = assign(state, slots);
  assert.deepEqual(remarks(state, slots.get('1'), assigned), []);
  assert.deepEqual(remarks(state, slots.get('2'), assigned), [{word: 'no_credential', stop: true}]);
});

test('what is amiss with a slot is said', () => {
  const state = wizard(set('a'));
  const words = (more) => {
    const slots = bench(slot('1', more));
    state.chosen = ['1'];
    return remarks(state, slots.get('1'), assign(state, slots)).map(({word, stop}) => (stop ? `${word}!` : word));
  };
  assert.deepEqual(words({state: 'absent'}), ['absent']);
  assert.deepEqual(words({state: 'busy'}), ['busy']);
  assert.deepEqual(words({queued: 2}), ['busy']);
  assert.deepEqual(words({hold: {state: 'paused'}}), ['paused']);
  assert.deepEqual(words({hold: {state: 'draining'}}), ['draining!']);
  assert.deepEqual(words({hold: {state: 'drained'}}), ['draining!']);
});

test('the same credential at two slots, and one at another board than it names, are said', () => {
  const state = wizard(set('a', A));
  state.chosen = ['1', '2'];
  state.byHand = {1: 'a', 2: 'a'};
  const slots = bench(slot('1', {board: {mac: A}}), slot('2', {board: {mac: B}}));
  const assigned = assign(state, slots);
  assert.deepEqual(remarks(state, slots.get('1'), assigned).map(({word}) => word), ['twice']);
  assert.deepEqual(remarks(state, slots.get('2'), assigned).map(({word}) => word), ['twice', 'other_board']);
});

test('a set that is no good does not count, unless it is stored already', () => {
  assert.equal(waiting(wizard(set('a', null, {valid: false}))).length, 0);
  const [one] = waiting(wizard(set('a', null, {valid: false, earlier: 'cred_1'})));
  assert.equal(one.id, 'cred_1');
});

test('a set is stored from its own files, each once', () => {
  const state = wizard(set('a', null, {files: [0, 2, 3]}));
  state.sent = ['first', 'second', 'third'];
  state.inspection.files = [{part: 0}, {part: 1}, {part: 2}, {part: 2}];
  assert.deepEqual(credentialsOf(state)[0].files, ['first', 'third']);
});

test('a stored credential whose key is gone cannot be written', () => {
  const state = {...begin(), source: 'stored', stored: [
    {id: 'c1', common_name: 'pump-240ac400000a', key_purged_at: null}, {id: 'c2', common_name: null, subject: 'O=x',
      key_purged_at: '2026-01-01T00:00:00Z'}]};
  assert.deepEqual(waiting(state).map((one) => [one.id, one.mac]), [['c1', A]]);
  assert.equal(credentialsOf(state)[1].title, 'O=x');
});

test('a MAC is found in a name, and nothing else is taken for one', () => {
  const names = ['pump-240AC400000A', '24:0a:c4:00:00:0a', 'x_24-0A-C4-00-00-0A.crt'];
  for (const name of names) assert.equal(macIn(name), A);
  for (const name of [null, '', 'pump-1', '240ac400000a0', 'a240ac400000a']) assert.equal(macIn(name), null);
});

test('steps are entered in order', () => {
  const state = begin();
  assert.deepEqual(['credentials', 'slots', 'run'].map((step) => mayEnter(state, step)), [true, false, false]);
  assert.ok(mayEnter(wizard(set('a')), 'slots'));
  assert.ok(mayEnter({...begin(), source: 'cloud'}, 'slots'));
  const going = wizard(set('a'));
  batch(going, bench(slot('1')));
  assert.ok(mayEnter(going, 'run'));
});

test('a cloud needs no credentials, and the only free slot is taken for granted', () => {
  const state = {...begin(), source: 'cloud', cloud: 'prod'};
  assert.deepEqual(chosenSlots(state, bench(slot('1'))).map(({name}) => name), ['1']);
  assert.deepEqual(chosenSlots(state, bench(slot('1'), slot('2'))), []);
  const slots = bench(slot('1'));
  assert.deepEqual(remarks(state, slots.get('1'), assign(state, slots)), []);
  assert.deepEqual(orderOf(state, '1'), {kind: 'provision', slot: '1', cloud: 'prod'});
});

test('with a profile network and broker are left to it; what was typed for them stays for later', () => {
  const state = wizard(set('a'));
  state.settings = {profile: '', wifi: {ssid: 'bench'}, mqtt: {host: 'h'}, check: 'wifi', target: {index: 1}};
  assert.deepEqual(orderOf(state, '1'), {kind: 'provision', slot: '1', wifi: {ssid: 'bench'}, mqtt: {host: 'h'},
    check: 'wifi'});
  state.settings.profile = 'line3';
  assert.deepEqual(orderOf(state, '1'), {kind: 'provision', slot: '1', profile: 'line3', check: 'wifi'});
  assert.deepEqual(state.settings.wifi, {ssid: 'bench'});
});

test('each row has an Idempotency-Key of its own', () => {
  const rows = batch(wizard(set('a'), set('b')), bench(slot('1'), slot('2')));
  assert.equal(new Set(rows.map((row) => row.key)).size, 2);
  assert.ok(rows.every((row) => row.phase === 'waiting' && !hasEnded(row)));
});

test('the next batch keeps slots and settings, goes on with what is left, and with what failed', () => {
  const state = wizard(set('a'), set('b'), set('c'));
  state.chosen = ['1', '2'];
  state.settings = {profile: 'line3'};
  const rows = batch(state, bench(slot('1'), slot('2')));
  end(rows[0], 'succeeded');
  end(rows[1], 'failed');
  const next = nextBatch(state);
  assert.equal(next.step, 'slots');
  assert.deepEqual(next.settings, {profile: 'line3'});
  assert.deepEqual(next.chosen, ['1', '2']);
  assert.deepEqual(waiting(next).map((one) => one.key), ['b', 'c']);
  assert.deepEqual(next.rows, []);
});

test('a batch that begins while another one goes stands behind it, without what is on its way', () => {
  const state = wizard(set('a'), set('b'), set('c'));
  state.chosen = ['1', '2'];
  const slots = bench(slot('1'), slot('2'), slot('3'));
  end(batch(state, slots)[0], 'succeeded');
  assert.deepEqual(onBoards(state), ['a']);
  assert.deepEqual(waiting(state).map((one) => one.key), ['c']);
  state.chosen = ['3'];
  const rows = batch(state, slots);
  assert.deepEqual(rows.map((row) => [row.slot, row.credential.key]), [['2', 'b'], ['3', 'c']]);
  assert.deepEqual(onBoards(state), ['a']);
});

test('when all is on its board the next batch begins with files, and keeps the root CA', () => {
  const state = wizard(set('a', null, {files: [0, 1]}));
  const device = {name: 'device'}, root = {name: 'root'};
  state.files = state.sent = [device, root];
  state.inspection.files = [{part: 0, contents: [{kind: 'certificate'}, {kind: 'ca_certificate'}]},
    {part: 1, contents: [{kind: 'ca_certificate'}]}];
  end(batch(state, bench(slot('1')))[0], 'succeeded');
  const next = nextBatch(state);
  assert.equal(next.step, 'credentials');
  assert.deepEqual(next.files, [root]);
  assert.equal(next.inspection, null);
});
