// Each credential among the files, with every check that was made of it.
import {fill, h} from '../dom.js';
import {formatTime, t} from '../text.js';
import {checkList, worst} from '../pages/checks.js';
import {onBoards} from './flow.js';
import {inspect} from './inspect.js';

const OPEN_UP_TO = 3; // more of them are closed at first, unless something stands in the way
const MAY_BE_ALLOWED = ['chain_to_root', 'validity'];

/** @param opened  fingerprint → whether the reader opened it; kept over drawings */
export function setCards(wizard, tools, opened) {
  const {sets, checks} = wizard.inspection;
  if (sets.length === 0) {
    return h('div', {class: 'card set'}, h('h3', {}, t('provision.no_set')), checkList(checks));
  }
  return [allowances(wizard, tools), sets.map((set) => card(wizard, set, sets.length <= OPEN_UP_TO, opened))];
}

function card(wizard, set, isFew, opened) {
  const word = set.earlier && !set.valid ? 'warn' : set.valid ? worst(set.checks) : 'fail';
  const usable = word === 'warn' ? 'remarks' : 'usable';
  const found = set.earlier ? 'stored' : set.valid ? usable : 'unusable';
  const state = onBoards(wizard).includes(set.fingerprint_sha256) ? 'on_board' : found;
  const until = set.credential && t('provision.until', {at: formatTime(set.credential.not_after)});
  const body = h('div', {});
  const toggled = () => {
    opened.set(set.fingerprint_sha256, node.open);
    if (node.open && !body.firstChild) fill(body, details(wizard, set)); // of 250 hardly one is opened
  };
  const node = h('details', {class: 'card set', ontoggle: toggled,
    open: opened.get(set.fingerprint_sha256) ?? (isFew || word === 'fail')},
  h('summary', {}, h('span', {class: 'name'}, set.common_name ?? set.fingerprint_sha256.slice(0, 16)),
    h('span', {class: `badge ${word}`}, t(`provision.set_${state}`)),
    set.mac ? h('span', {class: 'quiet'}, t('provision.for_board', {mac: set.mac})) : null,
    until ? h('span', {class: 'quiet'}, until) : null), body);
  if (node.open) fill(body, details(wizard, set));
  return node;
}

function details(wizard, set) {
  const names = set.files.map((index) => wizard.inspection.files[index].name);
  const stored = set.earlier ? h('a', {href: `#/credentials?id=${set.earlier}`}, h('code', {}, set.earlier)) : null;
  return [stored ? h('p', {}, t('provision.earlier'), ' ', stored) : null, checkList(set.checks),
    h('p', {class: 'quiet'}, t('provision.made_of'), ' ', names.join(', '))];
}

/** What fails may be taken all the same, where the service lets one: never silently, always for all that are here. */
function allowances(wizard, tools) {
  const failing = (name) => wizard.inspection.sets.some((set) => set.checks.some((check) => check.name === name &&
    check.verdict === 'fail'));
  const offered = MAY_BE_ALLOWED.filter((name) => wizard.allow.includes(name) || failing(name));
  if (offered.length === 0) return null;
  const choose = (name, isAllowed) => {
    wizard.allow = wizard.allow.filter((each) => each !== name).concat(isAllowed ? [name] : []);
    inspect(wizard, tools.changed);
  };
  const choice = (name) => h('label', {}, h('input', {type: 'checkbox', id: `allow-${name}`,
    checked: wizard.allow.includes(name), onchange: (event) => choose(name, event.target.checked)}),
  h('span', {}, t(`provision.allow_${name}`)));
  return h('fieldset', {class: 'card allow'}, h('legend', {}, t('provision.allow')), offered.map(choice));
}
