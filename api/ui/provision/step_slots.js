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
  const rows = slotRows(wizard, tools.changed);
  const sum = h('p', {class: 'sum', role: 'status'});
  const stops = h('p', {class: 'field-error', role: 'alert'});
  const settings = h('div');
  let hasTried = false; // from then on it is told what stands in the way
  const identify = h('button', {type: 'button', onclick: identifyBoards}, t('provision.identify'));

  /** Then a credential that names a board finds it. */
  async function identifyBoards() {
    const free = chosenSlots(wizard, slots).filter((slot) => slot.state === 'idle' && slot.hold === null);
    await whileBusy(identify, () => Promise.all(free.map((slot) => order({kind: 'identify', slot: slot.name}))));
  }

  /** Why it cannot go; '' when it can. */
  function inTheWay(assigned) {
    const taking = chosenSlots(wizard, slots);
    if (taking.length === 0) return t('provision.no_slot_chosen');
    const stopped = taking.filter((slot) => remarks(wizard, slot, assigned).some((said) => said.stop));
    return stopped.length === 0 ? '' : t('provision.in_the_way', {slots: stopped.map((slot) => slot.name).join(', ')});
  }

  function start() {
    const assigned = assign(wizard, slots);
    hasTried = true;
    setText(stops, inTheWay(assigned));
    if (stops.textContent !== '') return;
    tools.replace({...startBatch(wizard, assigned, newKey), step: 'run'});
  }

  fill(place, h('h2', {tabindex: '-1'}, t('provision.slots_title')), h('div', {class: 'card'}, rows.node,
    h('div', {class: 'actions'}, sum, identify)), h('h2', {}, t('provision.settings_title')), settings, stops);
  showSettings();

  async function showSettings() {
    try {
      const {items} = await get('/v1/profiles?limit=1000', {signal: tools.signal});
      fill(settings, settingsForm(wizard, items, start));
    } catch (problem) {
      if (tools.signal.aborted) return;
      if (problem.code === undefined) throw problem;
      fill(settings, problemBox(problem), h('button', {type: 'button', onclick: showSettings}, t('provision.again')));
    }
  }

  if (!wizard.picked && slots.size > 0) {
    wizard.chosen = chosenSlots({...wizard, chosen: null}, slots).map((slot) => slot.name); // and so it stays
  }
  const end = watchBench(tools.changed);
  tools.signal.addEventListener('abort', end);
  return () => {
    const assigned = assign(wizard, slots);
    rows.update(assigned);
    const left = wizard.source === 'cloud' ? 0 : leftOver(wizard, assigned).length;
    const text = [t('provision.taking', {n: assigned.size}), left ? t('provision.left', {n: left}) : ''].join(' ');
    setText(sum, text);
    if (hasTried) setText(stops, inTheWay(assigned));
  };
}
