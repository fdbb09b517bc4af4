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
  const batch = batchWork(wizard, tools);
  const sum = sumCard(wizard, batch.retryFailed, () => tools.replace(nextBatch(wizard)));
  const actions = {retry: batch.retry, settings: () => tools.go('slots')};
  cards = new Map(wizard.rows.map((row) => [row, jobCard(wizard, row, actions)]));
  fill(place, h('h2', {tabindex: '-1'}, t('provision.run_title')), sum.node,
    h('div', {class: 'job-cards'}, [...cards.values()].map((card) => card.node)));
  batch.begin();
  return sum.update;
}

/** What is done with the rows until the step is left: they are sent, and their jobs are followed.
 *  @return {begin(), retry(row), retryFailed()} */
function batchWork(wizard, tools) {
  const jobs = followJobs(wizard, changed, (row) => cards.get(row)?.progress());

  function changed(row) {
    cards.get(row)?.update();
    tools.changed();
  }

  async function begin() {
    if (wizard.rows.some((row) => row.phase === 'waiting')) await sendRows(wizard, changed);
    jobs.readAll();
  }

  async function send(row) {
    await sendRow(wizard, row, changed);
    if (row.phase === 'sent') jobs.read(row);
  }

  /** What was not taken on goes once more; what was gets a new job. */
  async function retry(row) {
    if (row.phase !== 'sent') return send(row);
    await retryRow(row, changed);
    return jobs.read(row);
  }

  function retryFailed() {
    for (const row of wizard.rows) if (hasEnded(row) && row.job?.state !== 'succeeded') retry(row);
  }

  // What is not answered yet goes again as soon as the service is back; it makes nothing twice.
  const endBench = watchBench(({all}) => {
    if (all && connection.state === 'live') wizard.rows.filter(isUnanswered).forEach(send);
  });
  tools.signal.addEventListener('abort', () => {
    jobs.stop();
    endBench();
  });
  return {begin, retry, retryFailed};
}

/** The batch in one line and a bar. @param again  tries what has failed  @param next  begins the next batch
 *  @return {node, update()} */
function sumCard(wizard, again, next) {
  const sum = h('p', {class: 'sum'});
  const bar = h('progress', {max: String(wizard.rows.length), value: 0, 'aria-label': t('provision.ended')});
  const againButton = h('button', {type: 'button', onclick: again}, t('provision.retry_all'));
  const nextButton = h('button', {type: 'button', class: 'main', onclick: next}, t('provision.next_batch'));
  const node = h('div', {class: 'card batch'}, sum, bar, h('div', {class: 'actions'}, againButton, nextButton));
  let said = '';

  function update() {
    const ended = wizard.rows.filter(hasEnded);
    const good = ended.filter((row) => row.job?.state === 'succeeded');
    const isOver = ended.length === wizard.rows.length;
    bar.value = ended.length;
    againButton.hidden = good.length === ended.length;
    nextButton.disabled = !isOver;
    const text = t(isOver ? 'provision.sum_over' : 'provision.sum', {n: wizard.rows.length, ended: ended.length,
      good: good.length, bad: ended.length - good.length});
    if (text === said) return;
    said = text;
    sum.textContent = text;
    if (isOver) announce(text);
  }

  return {node, update};
}
