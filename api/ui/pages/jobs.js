// All jobs, newest first, as they change.
import {slots, watchBench} from '../bench.js';
import {ENDED} from '../choices.js';
import {fill, h} from '../dom.js';
import {filterBar} from '../filter.js';
import {jobList} from '../job_list.js';
import {heading} from '../parts.js';
import {t, tWord} from '../text.js';

const KINDS = ['provision', 'write', 'check', 'flash', 'identify', 'reset', 'at', 'read', 'erase', 'restore'];
const STATES = ['queued', 'running', ...ENDED];

export async function show(page) {
  page.title(t('nav.jobs'));
  const list = jobList(page, t('nav.jobs'), t('jobs.none'));
  const names = h('datalist', {id: 'slot-names'});
  const offer = () => fill(names, [...slots.keys()].map((name) => h('option', {value: name})));
  offer();
  page.signal.addEventListener('abort', watchBench(({all}) => all && offer()));
  const bar = filterBar(page, '#/jobs', [
    {name: 'slot', label: t('jobs.slot'), list: 'slot-names', maxlength: 63},
    {name: 'kind', label: t('jobs.kind'), options: options('kind', KINDS)},
    {name: 'state', label: t('jobs.state'), options: options('state', STATES)},
    // An id is not typed: a link brings it, and it can be taken away again.
    ...['credential', 'firmware'].filter((name) => page.query[name]).map((name) => ({name, label: t(`jobs.${name}`)})),
  ], list.show);
  fill(page.main, heading(t('nav.jobs')), names, bar.node, list.node);
  await bar.apply();
}

function options(group, names) {
  return [['', t('jobs.all')], ...names.map((name) => [name, tWord(group, name)])];
}
