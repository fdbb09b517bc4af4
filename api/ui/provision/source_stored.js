// Credentials that were stored before: any number of them can be ticked.
import {get} from '../api.js';
import {fill, h} from '../dom.js';
import {problemBox} from '../parts.js';
import {formatTime, t} from '../text.js';

const READ = 1000; // one page; who has more names what he looks for
const SHOWN = 50;

/** @return a function that shows what has changed in the state */
export function showStoredSource(place, wizard, tools) {
  const list = h('div', {class: 'pick'});
  const filter = h('input', {type: 'search', id: 'stored-filter', autocomplete: 'off', spellcheck: 'false',
    oninput: draw});
  const isChosen = (one) => wizard.stored.some((each) => each.id === one.id);
  let all = null;
  let drawn = null; // the chosen ones that the list shows
  fill(place, h('div', {class: 'card'},
    h('div', {class: 'field'}, h('label', {for: 'stored-filter'}, t('provision.stored_filter')), filter), list));
  get(`/v1/credentials?limit=${READ}`, {signal: tools.signal}).then(({items}) => {
    all = items;
    draw();
  }, (problem) => {
    if (tools.signal.aborted) return;
    if (problem.code === undefined) throw problem;
    fill(list, problemBox(problem));
  });

  function draw() {
    if (all === null) return;
    drawn = wizard.stored;
    const wanted = filter.value.trim().toLowerCase();
    const texts = (one) => [one.id, one.subject, one.fingerprint_sha256].join('\n').toLowerCase();
    const others = all.filter((one) => !isChosen(one) && texts(one).includes(wanted));
    const rest = others.length - SHOWN;
    if (all.length === 0) fill(list, h('p', {class: 'empty'}, t('provision.stored_none')));
    else fill(list, [...wizard.stored, ...others.slice(0, SHOWN)].map(row), rest > 0 ? h('p', {class: 'quiet'},
      t('provision.stored_more', {n: rest})) : null);
  }

  function row(one) {
    const isPurged = one.key_purged_at !== null;
    const choose = (event) => {
      wizard.stored = wizard.stored.filter((each) => each.id !== one.id).concat(event.target.checked ? [one] : []);
      drawn = wizard.stored; // its tick tells it already
      tools.changed();
    };
    return h('label', {class: 'card pick-row'}, h('input', {type: 'checkbox', disabled: isPurged, onchange: choose,
      checked: isChosen(one)}), h('span', {class: 'name'}, one.common_name ?? one.subject),
    isPurged ? h('span', {class: 'badge warn'}, t('provision.stored_purged')) : null,
    new Date(one.not_after) < new Date() ? h('span', {class: 'badge fail'}, t('provision.stored_expired')) : null,
    h('span', {class: 'quiet'}, t('provision.until', {at: formatTime(one.not_after)}), ' · ', one.key_type));
  }

  return () => drawn !== wizard.stored && draw();
}
