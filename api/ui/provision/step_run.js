// Step 3: the batch goes, and every job is watched to its end.
import {connection, watchBench} from '../bench.js';
import {fill, h} from '../dom.js';
import {announce} from '../parts.js';
import {t} from '../text.js';
import {hasEnded, nextBatch} from './flow.js';
import {followJobs} from './follow.js';
import {jobCard} from './job_card.js';
import {isUnanswered, retryRow, sendRow, sendRows} from './send.js';

let cards = new Map(); // row → its card in the view that is shown now; an answer may come when another one asked

/** @return a function that shows what has changed in the state */
export function showRun(place, wizard, tools) {
  const sum = h('p', {class: 'sum'});
  const bar = h('progress', {max: String(wizard.rows.length), value: 0, 'aria-label': t('provision.ended')});
  const again = h('button', {type: 'button', onclick: () => retryFailed()}, t('provision.retry_all'));
  const next = h('button', {type: 'button', class: 'main', onclick: () => tools.replace(nextBatch(wizard))},
    t('provision.next_batch'));
  const jobs = followJobs(wizard, changed, (row) => cards.get(row)?.progress());
  const actions = {
    retry: (row) => (row.phase === 'sent' ? retry(row) : send(row)),
    settings: () => tools.go('slots'),
  };
  cards = new Map(wizard.rows.map((row) => [row, jobCard(wizard, row, actions)]));
  fill(place, h('h2', {tabindex: '-1'}, t('provision.run_title')), h('div', {class: 'card batch'}, sum, bar, h('div',
    {class: 'actions'}, again, next)), h('div', {class: 'job-cards'}, [...cards.values()].map((card) => card.node)));

  function changed(row) {
    cards.get(row)?.update();
    tools.changed();
  }

  async function send(row) {
    await sendRow(wizard, row, changed);
    if (row.phase === 'sent') jobs.read(row);
  }

  async function retry(row) {
    await retryRow(row, changed);
    jobs.read(row);
  }

  function retryFailed() {
    for (const row of wizard.rows) if (hasEnded(row) && row.job?.state !== 'succeeded') actions.retry(row);
  }

  /** What is not answered yet goes again as soon as the service is back; it makes nothing twice. */
  async function sendAll() {
    await sendRows(wizard, changed);
    for (const row of wizard.rows) if (row.phase === 'sent' && !hasEnded(row)) jobs.read(row);
  }

  const endBench = watchBench(({all}) => {
    if (all && connection.state === 'live') wizard.rows.filter(isUnanswered).forEach(send);
  });
  tools.signal.addEventListener('abort', () => {
    jobs.stop();
    endBench();
  });
  if (wizard.rows.some((row) => row.phase === 'waiting')) sendAll();
  else for (const row of wizard.rows) if (row.phase === 'sent' && !hasEnded(row)) jobs.read(row);

  let said = '';
  return () => {
    const ended = wizard.rows.filter(hasEnded);
    const good = ended.filter((row) => row.job?.state === 'succeeded');
    const isOver = ended.length === wizard.rows.length;
    bar.value = ended.length;
    again.hidden = good.length === ended.length;
    next.disabled = !isOver;
    const text = t(isOver ? 'provision.sum_over' : 'provision.sum', {n: wizard.rows.length, ended: ended.length,
      good: good.length, bad: ended.length - good.length});
    if (text === said) return;
    said = text;
    sum.textContent = text;
    if (isOver) announce(text);
  };
}
