// The serial console of a slot. What is entered is a job of kind at: it waits for its turn, never races another job,
// and its answer is the job's.
import {create, get, post, url} from '../api.js';
import {readOnce, running, slots, watchBench, watchEvents} from '../bench.js';
import {fill, h, refill, setText} from '../dom.js';
import {actionButton, badge, ownWords, sentences} from '../parts.js';
import {link} from '../router.js';
import {kept} from '../session.js';
import {t, tWord} from '../text.js';
import {createEntry} from './console_entry.js';
import {maskLine, openHistory, splitLines} from './at_lines.js';

const KEPT = 50;

/** Its state is a talk: {slot, turns, log, problemPlace}. @param page  whose signal ends it  @return its nodes */
export function createConsole(slot, page) {
  const talk = {slot, turns: turnsAt(slot), problemPlace: h('div'),
    log: h('div', {class: 'at-log', role: 'log', 'aria-label': t('console.log'), tabindex: '0'})};
  const history = openHistory();
  let last = Promise.resolve();
  const entry = createEntry(history, (text) => {
    const lines = splitLines(text);
    const turn = addTurn(talk, lines.map(maskLine));
    history.add(turn.lines.join('\n'));
    last = last.then(async () => { // one after the other, so that they are queued as they were entered
      await orderLines(talk, turn, lines);
      if (turn.problem) entry.restore(text);
      toEnd(talk);
    });
  });
  for (const turn of talk.turns) showTurn(talk, turn);
  watch(talk, page);
  return [talk.log, talk.problemPlace, entry.node];
}

/** What was sent there, the oldest first: {lines, job, problem, view}. It stays as long as the same person is here. */
function turnsAt(slot) {
  const name = `console ${slot}`;
  if (!kept.has(name)) kept.set(name, []);
  return kept.get(name);
}

/** @param lines  masked */
function addTurn(talk, lines) {
  const {turns, problemPlace} = talk;
  const turn = {lines, job: null, problem: null, view: null};
  fill(problemPlace);
  turns.push(turn);
  if (turns.length > KEPT) turns.shift().view.node.remove();
  showTurn(talk, turn);
  toEnd(talk);
  return turn;
}

function showTurn({slot, log, problemPlace}, turn) {
  turn.view = turnView(slot, turn, problemPlace);
  turn.view.update();
  log.append(turn.view.node);
}

async function orderLines(talk, turn, lines) {
  try {
    turn.job = await create('/v1/jobs', {kind: 'at', slot: talk.slot, lines});
    await refresh(talk, turn); // it may have ended before its id was known here
  } catch (problem) {
    turn.problem = problem;
    turn.view.update();
    if (problem.code === undefined) reportError(problem); // what is sent next goes its way all the same
  }
}

function refresh(talk, turn) {
  return readOnce(turn, async () => {
    turn.job = await get(url`/v1/jobs/${turn.job.id}`);
    const {scrollHeight, scrollTop, clientHeight} = talk.log;
    const wasAtEnd = scrollHeight - scrollTop - clientHeight < 8;
    turn.view.update();
    if (wasAtEnd) toEnd(talk);
  });
}

function toEnd({log}) {
  log.scrollTop = log.scrollHeight;
}

/** Follow the jobs that have not ended. */
function watch(talk, page) {
  const pending = () => talk.turns.filter(({job}) => job && job.finished_at === null);
  const refreshAll = () => pending().forEach((turn) => refresh(talk, turn));
  const ends = [
    watchEvents(({type, data}) => {
      const turn = type !== 'job.progress' && pending().find(({job}) => job.id === data.job);
      if (turn) refresh(talk, turn);
    }),
    watchBench(({all, names}) => {
      if (all) refreshAll();
      else if (names.has(talk.slot)) for (const turn of pending()) turn.view.update();
    }),
  ];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
  refreshAll();
}

/** What was sent, how it stands, and what was answered. */
function turnView(slot, turn, problemPlace) {
  const state = h('span');
  const why = h('span', {class: 'quiet'});
  const cancel = actionButton(t('core.cancel'), 'plain small', problemPlace,
    () => post(url`/v1/jobs/${turn.job.id}/cancel`));
  const said = h('div', {class: 'at-said'});
  const node = h('div', {class: 'turn'}, said, h('p', {class: 'state'}, state, why, cancel));
  return {
    node,
    update() {
      const now = turn.problem ? 'refused' : turn.job?.state ?? 'sending';
      cancel.hidden = !['queued', 'running'].includes(now);
      setText(why, now === 'queued' ? waitsFor(slot, turn.job) : '');
      refill(state, now, () => (['sending', 'refused'].includes(now) ? t(`console.${now}`) : badge('state', now)));
      refill(said, now, () => [answers(turn), errorOf(turn)]);
    },
  };
}

function errorOf({problem, job}) {
  const error = problem ?? job?.error;
  if (!error) return null;
  return h('div', {class: 'problem'}, sentences(error), ownWords(error),
    job ? h('a', {href: link`/jobs/${job.id}`}, t('console.job')) : null);
}

/** Each line with what the board said to it; those behind a line that was refused were not sent. */
function answers({lines, job}) {
  const results = new Map((job?.result?.lines ?? []).map((result) => [result.line, result]));
  return lines.map((line, i) => {
    const result = results.get(i);
    const text = result ? [...result.answer, result.ok ? 'OK' : 'ERROR'] : [];
    return [h('p', {class: 'sent'}, h('code', {}, line), job?.finished_at && !result
      ? h('span', {class: 'quiet'}, ' ', t('console.unsent')) : null),
    text.length ? h('pre', {class: result.ok ? 'answer' : 'answer error'}, text.join('\n')) : null];
  });
}

/** Why it has not begun. */
function waitsFor(slot, job) {
  if (slots.get(slot)?.hold?.state === 'paused') return t('console.paused');
  const work = running.get(slot);
  if (!work || work.id === job.id) return t('console.waits');
  const what = t('wall.job', {kind: tWord('kind', work.kind), what: work.step ? tWord('step', work.step.name) : '…'});
  return t('console.waits_for', {what, who: work.actor ?? '–'});
}
