// Step 2: which board gets which credential, and what the jobs are told.
import {get, newKey} from '../api.js';
import {slots, watchBench} from '../bench.js';
import {fill, h, setText} from '../dom.js';
import {order} from '../pages/order.js';
import {problemBox, whileBusy} from '../parts.js';
import {t} from '../text.js';
import {assign, chosenSlots, leftOver, remarks, startBatch} from './flow.js';
import {settingsForm} from './settings.js';
import {slotRows} from './slot_rows.js';

/** @return a function that shows what has changed in the state */
export function showSlots(place, wizard, tools) {
  const bench = benchCard(wizard, tools.changed);
  const settings = h('div');
  const stops = h('p', {class: 'field-error', role: 'alert'});
  let hasTried = false; // from then on it is told what stands in the way

  function start() {
    const assigned = assign(wizard, slots);
    hasTried = true;
    setText(stops, inTheWay(wizard, assigned));
    if (stops.textContent !== '') return;
    tools.replace({...startBatch(wizard, assigned, newKey), step: 'run'});
  }

  fill(place, h('h2', {tabindex: '-1'}, t('provision.slots_title')), bench.node,
    h('h2', {}, t('provision.settings_title')), settings, stops);
  showSettings(settings, wizard, tools.signal, start);
  if (!wizard.picked && slots.size > 0) {
    wizard.chosen = chosenSlots({...wizard, chosen: null}, slots).map((slot) => slot.name); // and so it stays
  }
  const end = watchBench(tools.changed);
  tools.signal.addEventListener('abort', end);
  return () => {
    const assigned = assign(wizard, slots);
    bench.update(assigned);
    if (hasTried) setText(stops, inTheWay(wizard, assigned));
  };
}

/** Which slots take part, and with what. @return {node, update(assigned)} */
function benchCard(wizard, changed) {
  const rows = slotRows(wizard, changed);
  const sum = h('p', {class: 'sum', role: 'status'});
  const identify = h('button', {type: 'button', onclick: () => whileBusy(identify, () => identifyBoards(wizard))},
    t('provision.identify'));
  return {
    node: h('div', {class: 'card'}, rows.node, h('div', {class: 'actions'}, sum, identify)),
    update(assigned) {
      rows.update(assigned);
      const left = wizard.source === 'cloud' ? 0 : leftOver(wizard, assigned).length;
      setText(sum, [t('provision.taking', {n: assigned.size}), left ? t('provision.left', {n: left}) : ''].join(' '));
    },
  };
}

/** Then a credential that names a board finds it. */
function identifyBoards(wizard) {
  const free = chosenSlots(wizard, slots).filter((slot) => slot.state === 'idle' && slot.hold === null);
  return Promise.all(free.map((slot) => order({kind: 'identify', slot: slot.name})));
}

/** Why it cannot go; '' when it can. */
function inTheWay(wizard, assigned) {
  const taking = chosenSlots(wizard, slots);
  if (taking.length === 0) return t('provision.no_slot_chosen');
  const stopped = taking.filter((slot) => remarks(wizard, slot, assigned).some((said) => said.stop));
  return stopped.length === 0 ? '' : t('provision.in_the_way', {slots: stopped.map((slot) => slot.name).join(', ')});
}

async function showSettings(place, wizard, signal, start) {
  try {
    const {items} = await get('/v1/profiles?limit=1000', {signal});
    fill(place, settingsForm(wizard, items, start));
  } catch (problem) {
    if (signal.aborted) return;
    if (problem.code === undefined) throw problem;
    const again = () => showSettings(place, wizard, signal, start);
    fill(place, problemBox(problem), h('button', {type: 'button', onclick: again}, t('provision.again')));
  }
}
