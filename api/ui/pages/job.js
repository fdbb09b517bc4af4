// One job: what it does as it does it, how it ended and why, what it found out, and what passed on the wire.
import {create, get, post, url} from '../api.js';
import {askingButton} from '../ask.js';
import {readOnce, watchBench, watchEvents, whenBack} from '../bench.js';
import {fill, h, refill, setText} from '../dom.js';
import {hasEnded, moved} from '../job_list.js';
import {actionButton, announce, badge, duration, facts, heading, orNone, problemBox, time} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, formatDuration, t, tWord} from '../text.js';
import words from '../words/job.js';
import {logView} from './job_log.js';
import {jobProgress} from './job_progress.js';
import {resultCards} from './job_result.js';
import {verdictCard} from './job_verdict.js';

addWords(words);

const TICK_MS = 1000;

export async function show(page) {
  page.title(t('nav.jobs'));
  const job = await orNone(page, get(url`/v1/jobs/${page.params.id}`, {signal: page.signal}), t('job.none'),
    h('a', {href: '#/jobs'}, t('job.all')));
  if (job) watch(jobView(page, job));
}

/** The job as it is now, and the parts of the page that show it. */
function jobView(page, job) {
  const title = `${tWord('kind', job.kind)} · ${job.slot}`;
  page.title(title);
  const parts = {state: h('div', {class: 'job-state'}), buttons: h('div', {class: 'actions'}), end: h('div'),
    steps: h('div'), about: h('div'), result: h('div')};
  const view = {page, title, job, parts, problemPlace: h('div'), progress: jobProgress(),
    log: logView(page, job.id, () => hasEnded(view.job)),
    stopping: false, // somebody here told it to stop
    ahead: null, // ms that this computer's clock is ahead of the service's, once an event has told
  };
  fill(page.main, heading(title, parts.buttons), view.problemPlace, parts.state, parts.end, view.progress.node,
    parts.steps, parts.about, parts.result, view.log.node);
  draw(view);
  return view;
}

function draw(view) {
  const {job, parts, stopping} = view;
  refill(parts.state, [job.state, stopping], () => stateOf(view));
  refill(parts.buttons, [job.state, stopping], () => actions(view));
  refill(parts.end, [job.error, job.result?.verdict, job.state], () => endOf(job));
  view.progress.update(job);
  refill(parts.steps, [job.steps, job.steps_ahead, job.error], () => stepsCard(job));
  refill(parts.about, {...job, steps: null, steps_ahead: null, progress: null, error: null}, () => aboutCard(job));
  refill(parts.result, [job.result, hasEnded(job)], () => resultCards(job, view.page));
  tick(view);
}

/** The job as it is now; who listens hears that it ended. */
function take(view, fresh) {
  const ended = !hasEnded(view.job) && hasEnded(fresh);
  const stepped = fresh.steps.length !== view.job.steps.length;
  view.job = fresh;
  draw(view);
  if (ended) announce(`${view.title}: ${tWord('state', fresh.state)}`);
  if (ended || stepped) view.log.refresh();
}

function watch(view) {
  const {page, job: {id}} = view;
  const read = () => readOnce(page, async () => {
    const fresh = await get(url`/v1/jobs/${id}`, {signal: page.signal});
    if (!page.signal.aborted) take(view, fresh);
  });
  const ends = [
    watchEvents(({type, data}) => {
      if (data.job !== id) return;
      view.progress.note(data);
      view.ahead = Math.min(view.ahead ?? Infinity, Date.now() - Date.parse(data.at)); // the fastest event tells best
      const goesOn = type === 'job.progress' && view.job.steps.at(-1)?.name === data.step.name;
      if (goesOn) take(view, moved(view.job, data));
      else read();
    }),
    watchBench(whenBack(read)),
  ];
  const timer = setInterval(() => tick(view), TICK_MS);
  page.signal.addEventListener('abort', () => {
    ends.forEach((end) => end());
    clearInterval(timer);
  });
}

function stateOf({job, stopping}) {
  return [badge('state', job.state), stopping && !hasEnded(job) ? h('span', {}, t('job.stopping')) : waitingText(job)];
}

function waitingText(job) {
  if (job.state !== 'queued') return null;
  return h('span', {}, job.depends_on ? t('job.waits_for_other') : t('job.waits'));
}

function actions(view) {
  const {job, stopping, page, problemPlace} = view;
  if (!can('operator')) return [];
  if (hasEnded(job)) {
    return actionButton(t('job.retry'), 'main', problemPlace, async () => {
      const fresh = await create(url`/v1/jobs/${job.id}/retry`);
      page.go(link`/jobs/${fresh.id}`);
    });
  }
  if (stopping) return h('button', {type: 'button', disabled: true}, t('job.cancel'));
  const question = {title: t('job.cancel_title'),
    text: t(job.state === 'queued' ? 'job.cancel_queued' : 'job.cancel_running')};
  return askingButton(t('job.cancel'), question, problemPlace, async () => {
    await post(url`/v1/jobs/${job.id}/cancel`); // an event tells how it ended
    view.stopping = true;
    draw(view);
  });
}

/** Why it did not succeed, or that it did; a verdict explains either. */
function endOf(job) {
  const verdict = job.result?.verdict;
  return [job.error && job.error.code !== 'cancelled' ? problemBox(job.error) : null,
    verdict ? verdictCard(verdict) : null,
    job.state === 'interrupted' && !job.error ? h('p', {class: 'problem'}, t('job.interrupted')) : null];
}

function stepsCard(job) {
  if (job.steps.length === 0) return [];
  const begun = job.steps.map((step) => stepItem(step, job));
  const ahead = (job.steps_ahead ?? []).map((name) => h('li', {class: 'ahead quiet'},
    h('span', {class: 'name'}, tWord('step', name)), h('span', {}, t('job.ahead'))));
  return h('section', {class: 'card'}, h('h2', {}, t('job.steps')), h('ol', {class: 'steps'}, begun, ahead));
}

function stepItem(step, job) {
  return h('li', {class: step.state}, h('span', {class: 'name'}, tWord('step', step.name)), badge('state', step.state),
    h('span', {class: 'at quiet'}, step.started_at ? time(step.started_at) : null),
    h('span', {class: 'took'}, step.state === 'running' || !step.started_at ? '' : formatDuration(step.ms)),
    whyOf(step, job));
}

/** The error of the step that ended the job is the job's own, and stands above the steps. */
function whyOf(step, job) {
  if (step.reason) return h('p', {class: 'why quiet', lang: 'en'}, step.reason);
  if (!step.error || step.error.code === 'cancelled' || job.error?.detail === step.error.detail) return null;
  return h('div', {class: 'why'}, problemBox(step.error));
}

/** The time that the running step has taken so far. */
function tick({parts, job, ahead}) {
  const took = parts.steps.querySelector('li.running .took');
  const step = job.steps.at(-1);
  if (took && step.started_at) setText(took, duration(step.started_at, Date.now() - (ahead ?? 0)));
}

function aboutCard(job) {
  const to = (address, text) => h('a', {href: address}, text);
  const mac = job.result?.board?.mac;
  return h('section', {class: 'card'}, h('h2', {}, t('job.about')), facts([
    [t('job.slot'), to(link`/slots/${job.slot}`, job.slot)],
    [t('job.board'), mac ? to(link`/devices/${mac}`, mac) : null],
    [t('job.actor'), job.actor],
    [t('job.ordered'), time(job.created_at)],
    [t('job.started'), job.started_at ? time(job.started_at) : null],
    [t('job.finished'), job.finished_at ? time(job.finished_at) : null],
    [t('job.took'), job.started_at && job.finished_at ? duration(job.started_at, job.finished_at) : null],
    [t('job.credential'), job.credential ? to(`#/credentials?id=${job.credential}`, job.credential) : null],
    [t('job.firmware'), job.firmware ? to(`#/firmware?id=${job.firmware}`, job.firmware) : null],
    [t('job.profile'), job.result?.profile],
    [t('job.retry_of'), job.retry_of ? to(link`/jobs/${job.retry_of}`, job.retry_of) : null],
    [t('job.depends_on'), job.depends_on ? to(link`/jobs/${job.depends_on}`, job.depends_on) : null],
    [t('job.priority'), job.priority],
    [t('job.deadline'), job.deadline_at ? time(job.deadline_at) : null],
    [t('job.id'), h('code', {}, job.id)],
  ]));
}
