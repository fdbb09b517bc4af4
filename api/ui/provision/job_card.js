// One slot of a batch: what its job does, and in plain words how it ended.
import {fill, h, setText} from '../dom.js';
import {badge, duration, problemBox, progressText} from '../parts.js';
import {link} from '../router.js';
import {t, tWord} from '../text.js';
import {findingBox} from '../pages/job_verdict.js';
import {hasEnded} from './flow.js';
import {allowDuplicateKey} from './send.js';

/** @param actions  {retry(row), settings()}  @return {node, update(), progress()} */
export function jobCard(wizard, row, actions) {
  const node = h('article', {class: 'card job-card', tabindex: '-1', 'aria-label': row.slot, 'data-slot': row.slot});
  const bar = h('progress', {'aria-label': t('provision.progress', {slot: row.slot})});
  const figures = h('span', {class: 'quiet figures'});

  function update() {
    const hadFocus = node.contains(document.activeElement);
    const word = row.job?.state ?? row.phase;
    node.className = `card job-card ${word}`;
    const state = row.job ? badge('state', word) : h('span', {class: `badge ${word}`}, t(`provision.phase_${word}`));
    const whose = [row.credential?.title, row.job?.result?.board?.mac].filter(Boolean).join(' · ');
    const isGoing = row.job !== null && !hasEnded(row);
    fill(node, h('header', {}, h('h3', {}, row.slot), state), h('p', {class: 'quiet'}, whose),
      row.job ? stepList(row.job) : null, isGoing ? h('div', {class: 'bar'}, bar, figures) : null, outcome(row),
      buttons(wizard, row, actions));
    progress();
    if (hadFocus) node.focus();
  }

  /** Twice a second and job: only the bar and its figures. */
  function progress() {
    const moved = row.job?.progress;
    if (!moved?.total) bar.removeAttribute('value');
    else {
      bar.max = moved.total;
      bar.value = moved.done;
    }
    setText(figures, moved ? progressText(moved) : '');
  }

  update();
  return {node, update, progress};
}

function stepList(job) {
  return h('ol', {class: 'step-chips', 'aria-label': t('provision.job_steps')}, job.steps.map((step) => h('li',
    {class: step.state}, tWord('step', step.name), h('span', {class: 'unseen'}, ` ${tWord('state', step.state)}`))));
}

/** The verdict with its fix, or what went wrong. */
function outcome(row) {
  if (row.problem) return problemBox(row.problem);
  if (!row.job || row.job.finished_at === null) return null;
  if (row.job.state === 'succeeded') return success(row.job);
  return row.job.error ? problemBox(row.job.error) : null;
}

function success({result, started_at: started, finished_at: finished}) {
  const verdict = result?.verdict;
  const text = verdict ? t('provision.works') : t('provision.written');
  return h('div', {class: 'verdict'},
    h('p', {class: 'what'}, text, ' ', h('span', {class: 'quiet'}, duration(started, finished))),
    verdict?.warnings.map(findingBox));
}

function buttons(wizard, row, actions) {
  const hasFailed = hasEnded(row) && row.job?.state !== 'succeeded';
  const isRefused = row.phase === 'refused';
  const button = (key, onclick) => h('button', {type: 'button', onclick}, t(key));
  const storeAnyway = () => {
    allowDuplicateKey(wizard, row);
    actions.retry(row);
  };
  return h('div', {class: 'actions'},
    isRefused ? button('provision.back_to_settings', actions.settings) : null,
    isRefused && row.problem.code === 'key_in_use' ? button('provision.renewal', storeAnyway) : null,
    hasFailed ? button(isRefused ? 'provision.again' : 'provision.retry', () => actions.retry(row)) : null,
    row.job ? h('a', {class: 'button', href: link`/jobs/${row.job.id}`,
      'aria-label': t('provision.job_of', {slot: row.slot})}, t('provision.job')) : null);
}
