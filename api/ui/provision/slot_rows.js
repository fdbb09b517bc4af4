// The bench as a table of slots that can be ticked. It lives: a row is made once and then only told what has changed,
// so that what the operator is just working at stays under his hand.
import {slots} from '../bench.js';
import {fill, h, refill} from '../dom.js';
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

function slotRow(wizard, name, choose, changed) {
  const tick = h('input', {type: 'checkbox', onchange: () => choose(name, tick.checked)});
  const [board, state, said] = ['board', 'state', 'remarks'].map((column) =>
    h('td', {'data-label': t(`provision.${column}`)}));
  const picked = () => (tick.checked ? changed() : choose(name, true));
  const pick = wizard.source === 'cloud' ? null : credentialPick(wizard, name, picked);
  const node = h('tr', {}, h('th', {scope: 'row'}, h('label', {class: 'tick'}, tick, name)), board, state,
    pick && h('td', {'data-label': t('provision.credential')}, pick.node), said);

  function update(slot, assigned) {
    const isTaking = assigned.has(name);
    const own = assigned.get(name);
    const remarked = isTaking ? remarks(wizard, slot, assigned) : [];
    const values = {n: slot.queued + (slot.state === 'busy' ? 1 : 0), mac: own?.mac, board: slot.board?.mac};
    tick.checked = isTaking;
    node.classList.toggle('off', !isTaking);
    refill(board, slot.board, () => boardText(slot.board));
    refill(state, [slot.state, slot.hold?.state], () => stateBadges(slot));
    refill(said, [remarked, values], () => remarkList(remarked, values));
    pick?.show(own);
  }

  return {node, update};
}

/** The credential of a slot, and those that it could have instead. @return {node, show(own)} */
function credentialPick(wizard, name, picked) {
  const node = h('select', {'aria-label': t('provision.credential_for', {slot: name}), onchange: () => {
    wizard.byHand[name] = node.value;
    picked();
  }});

  function show(own) {
    const all = waiting(wizard);
    refill(node, all.map((one) => one.key), () => [h('option', {value: ''}, t('provision.none')),
      all.map((one) => h('option', {value: one.key}, titleWithBoard(one)))]);
    const value = own?.key ?? '';
    if (node.value !== value) node.value = value;
  }

  return {node, show};
}

function titleWithBoard({title, mac}) {
  return mac && !title.includes(mac.replaceAll(':', '')) ? `${title} · ${mac}` : title;
}

function boardText(seen) {
  if (!seen) return h('span', {class: 'quiet'}, t('provision.board_unknown'));
  return [h('b', {}, seen.title), ' ', h('code', {}, seen.mac),
    seen.firmware ? h('span', {class: 'quiet'}, ` ${seen.firmware}`) : null];
}

function stateBadges({state, hold}) {
  return [badge('slot', state), hold ? [' ', badge('hold', hold.state)] : null];
}

function remarkList(remarked, values) {
  return h('ul', {class: 'remarks'}, remarked.map(({word, stop}) =>
    h('li', {class: stop ? 'stop' : 'warn'}, t(`provision.remark_${word}`, values))));
}
