// Who tried to change or to see what, and how it ended.
import {get, query} from '../api.js';
import {ENDED} from '../choices.js';
import {fill, h} from '../dom.js';
import {filterBar} from '../filter.js';
import {heading, mayNotSee, pagedTable, time} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, t, tWord} from '../text.js';
import words from '../words/audit.js';

addWords(words);

const PAGE = 100;
const OUTCOMES = ['done', 'refused', ...ENDED];

export async function show(page) {
  page.title(t('nav.audit'));
  if (!can('admin')) {
    fill(page.main, heading(t('nav.audit')), mayNotSee('admin'));
    return;
  }
  const place = h('div');
  const text = (name, maxlength) => ({name, label: t(`audit.${name}`), maxlength});
  const bar = filterBar(page, '#/audit', [
    text('actor', 63), text('action', 47), text('slot', 63), text('mac', 17), text('job', 31),
    {name: 'outcome', label: t('audit.outcome'), options: [['', t('audit.all')], ...OUTCOMES.map((one) =>
      [one, wordOf(one)])]},
  ], async (wanted, signal) => {
    const read = (cursor) => get(`/v1/audit${query({...wanted, limit: PAGE, cursor})}`, {signal});
    fill(place, await pagedTable(t('nav.audit'), columns(), read, t('audit.none')));
  });
  fill(page.main, heading(t('nav.audit')), h('p', {class: 'quiet'}, t('audit.about')), bar.node, place);
  await bar.apply();
}

function columns() {
  return [
    {title: t('audit.at'), cell: (entry) => time(entry.at)},
    {title: t('audit.actor'), cell: ({actor, address}) => [h('div', {}, actor || '–'),
      h('div', {class: 'quiet'}, address)]},
    {title: t('audit.action'), cell: (entry) => h('code', {}, entry.action)},
    {title: t('audit.target'), cell: targetOf},
    {title: t('audit.outcome'), cell: ({outcome}) => h('span', {class: `badge ${styleOf(outcome)}`}, wordOf(outcome))},
    {title: t('audit.detail'), cell: detailOf},
  ];
}

/** Of an attempt, or of a job that has ended. */
function wordOf(outcome) {
  return ENDED.includes(outcome) ? tWord('state', outcome) : t(`outcome.${outcome}`);
}

function styleOf(outcome) {
  return {done: 'good', refused: 'warn'}[outcome] ?? outcome;
}

function targetOf(entry) {
  const {slot, mac, job, target} = entry;
  return [
    job ? h('div', {}, h('a', {href: link`/jobs/${job}`}, job)) : null,
    target && target !== job && target !== slot ? h('div', {}, h('code', {}, target)) : null,
    slot ? h('div', {}, h('a', {href: link`/slots/${slot}`}, slot)) : null,
    mac ? h('div', {}, h('a', {href: link`/devices/${mac}`}, mac)) : null,
  ];
}

/** A line of what is asked for most, and all of the entry below it: it is the proof. */
function detailOf(entry) {
  const {detail} = entry;
  const line = [detail.status, detail.code ?? detail.error?.code, detail.kind ? tWord('kind', detail.kind) : null,
    detail.verdict?.code, detail.repeated ? t('audit.repeated') : null].filter(Boolean).join(' · ');
  const number = h('span', {class: 'quiet'}, ` #${entry.sequence}`);
  return h('details', {}, h('summary', {}, line || t('audit.entry'), number),
    h('pre', {class: 'said'}, JSON.stringify(entry, null, 1)));
}
