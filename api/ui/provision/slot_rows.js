// The bench as a table of slots that can be ticked. It lives: a row is made once and then only told what has changed,
// so that what the operator is just working at stays under his hand.
import {slots} from '../bench.js';
import {fill, h} from '../dom.js';
import {badge} from '../parts.js';
import {t} from '../text.js';
import {chosenSlots, remarks, waiting} from './flow.js';

const COLUMNS = ['slot', 'board', 'state', 'credential', 'remarks'];

/** @param changed  called when the operator has chosen  @return {node, update(assigned)} */
export function slotRows(wizard, changed) {
  const body = h('tbody');
  const columns = COLUMNS.filter((name) => name !== 'credential' || wizard.source !== 'cloud');
  const none = h('p', {class: 'empty', hidden: true}, t('provision.no_slots'));
  const node = h('div', {class: 'table', role: 'region', tabindex: '0', 'aria-label': t('provision.slots_title')},
    h('table', {class: 'slot-rows'}, h('thead', {}, h('tr', {}, columns.map((name) => h('th', {scope: 'col'},
      t(`provision.${name}`))))), body), none);
  const rows = new Map();

  function choose(name, isChosen) {
    const before = chosenSlots(wizard, slots).map((slot) => slot.name);
    wizard.chosen = before.filter((each) => each !== name).concat(isChosen ? [name] : []);
    wizard.picked = true;
    if (!isChosen) delete wizard.byHand[name];
    changed();
  }

  return {
    node,
    update(assigned) {
      const names = [...slots.keys()];
      if (names.join('\n') !== [...rows.keys()].join('\n')) {
        const before = new Map(rows);
        rows.clear();
        for (const name of names) rows.set(name, before.get(name) ?? slotRow(wizard, name, choose, changed));
        fill(body, [...rows.values()].map((row) => row.node));
        none.hidden = names.length > 0;
      }
      for (const [name, row] of rows) row.update(slots.get(name), assigned);
    },
  };
}

function boardText(seen) {
  if (!seen) return h('span', {class: 'quiet'}, t('provision.board_unknown'));
  return [h('b', {}, seen.title), ' ', h('code', {}, seen.mac),
    seen.firmware ? h('span', {class: 'quiet'}, ` ${seen.firmware}`) : null];
}

function slotRow(wizard, name, choose, changed) {
  const tick = h('input', {type: 'checkbox', onchange: () => choose(name, tick.checked)});
  const board = h('td', {'data-label': t('provision.board')});
  const state = h('td', {'data-label': t('provision.state')});
  const said = h('td', {'data-label': t('provision.remarks')});
  const picked = () => {
    wizard.byHand[name] = pick.value;
    if (!tick.checked) choose(name, true);
    else changed();
  };
  const pick = wizard.source === 'cloud' ? null
    : h('select', {'aria-label': t('provision.credential_for', {slot: name}), onchange: picked});
  const node = h('tr', {}, h('th', {scope: 'row'}, h('label', {class: 'tick'}, tick, name)), board, state,
    pick ? h('td', {'data-label': t('provision.credential')}, pick) : null, said);
  let options = null;
  let shown = {};

  /** A cell is drawn again only when what it shows is another. */
  function cell(place, key, nodes) {
    if (shown[place] === key) return;
    shown = {...shown, [place]: key};
    fill({board, state, said}[place], nodes());
  }

  return {
    node,
    update(slot, assigned) {
      tick.checked = assigned.has(name);
      node.classList.toggle('off', !tick.checked);
      const seen = slot.board;
      cell('board', JSON.stringify(seen), () => boardText(seen));
      cell('state', `${slot.state} ${slot.hold?.state}`, () => [badge('slot', slot.state),
        slot.hold ? [' ', badge('hold', slot.hold.state)] : null]);
      const remarked = assigned.has(name) ? remarks(wizard, slot, assigned) : [];
      const own = assigned.get(name);
      const values = {n: slot.queued + (slot.state === 'busy' ? 1 : 0), mac: own?.mac, board: seen?.mac};
      cell('said', JSON.stringify([remarked, values]), () => h('ul', {class: 'remarks'}, remarked.map(({word, stop}) =>
        h('li', {class: stop ? 'stop' : 'warn'}, t(`provision.remark_${word}`, values)))));
      if (pick) drawPick(own);
    },
  };

  function drawPick(own) {
    const all = waiting(wizard);
    const key = all.map((one) => one.key).join(' ');
    if (options !== key) {
      options = key;
      fill(pick, h('option', {value: ''}, t('provision.none')), all.map((one) => h('option', {value: one.key},
        one.mac && !one.title.includes(one.mac.replaceAll(':', '')) ? `${one.title} · ${one.mac}` : one.title)));
    }
    const value = own?.key ?? '';
    if (pick.value !== value) pick.value = value;
  }
}
