// The bench as it is now: every slot and the jobs that run, kept up to date by the event stream for whoever shows them.
import {get} from './api.js';
import {openStream} from './stream.js';

/** name → Slot as GET /v1/slots has it, in its order. */
export const slots = new Map();
/** slot name → {id, kind, state, step, progress, actor} of the job that runs there. */
export const running = new Map();
/** 'waiting' until all was read first, then 'live', or 'lost' with the Problem in connection.problem. */
export const connection = {state: 'waiting', problem: null, since: null};

const listeners = new Set();
let stream = null;
const changed = new Set(); // names of slots; 'all' stands for the list itself
let frame = 0;

/** @p listener({all, names}) is called at most once a frame, with few names or all. @return a function that ends it */
export function watchBench(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** For watchBench: calls @p back when the service is there again, or is there first. */
export function whenBack(back) {
  let was = connection.state;
  return () => {
    if (was !== 'live' && connection.state === 'live') back();
    was = connection.state;
  };
}

const eventListeners = new Set();
/** Every event as it comes: {type, data}. @return a function that ends it */
export function watchEvents(listener) {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

export function startBench() {
  stream ??= openStream('/v1/events', {event: take, up: readAll, down: lost});
  readAll(); // for the eye; what the stream could not tell yet is read once more when it is there
}

export function stopBench() {
  stream?.stop();
  stream = null;
  stale.clear();
  slots.clear();
  running.clear();
  Object.assign(connection, {state: 'waiting', problem: null, since: null});
}

/** What happens while all is read has it read once more: an answer may be older than the event. */
function readAll() {
  return readOnce('all', async () => {
    const mine = stream;
    const [all, jobs] = await Promise.all([get('/v1/slots'), get('/v1/jobs?state=running&limit=200')]);
    if (stream !== mine) return; // who asked has signed out
    slots.clear();
    for (const slot of all.items) slots.set(slot.name, slot);
    running.clear();
    for (const job of jobs.items) running.set(job.slot, workOf(job));
    Object.assign(connection, {state: 'live', problem: null, since: null});
    mark('all');
  }, (problem) => stream !== null && lost(problem));
}

function workOf(job) {
  const step = job.steps.at(-1) ?? null;
  return {id: job.id, kind: job.kind, state: job.state, actor: job.actor, step, progress: job.progress};
}

function lost(problem) {
  if (connection.state !== 'lost') connection.since = new Date().toISOString();
  Object.assign(connection, {state: 'lost', problem});
  mark('all');
}

const CHANGES_LIST = ['stored', 'deleted']; // a slot that is stored takes its ports from the implicit ones

function take({type, data}) {
  if (type === 'ports.changed' || CHANGES_LIST.includes(data.change)) readAll();
  else if (type === 'job.step' || type === 'job.progress' || type === 'job.started') noteWork(data);
  else if (data.slot) {
    const work = running.get(data.slot);
    if (type === 'job.ended' && work?.id === data.job) work.state = data.state; // it stays until its slot tells its end
    readSlot(data.slot);
  }
  if (type !== 'job.progress' && reading.has('all')) readAll();
  for (const listener of eventListeners) listener({type, data});
  if (data.slot) mark(data.slot);
}

/** The progress of a step that has just begun. */
export const NOTHING_MOVED = {done: 0, total: 0, unit: null};
const FINDS_OUT = ['identify', 'layout', 'firmware']; // the steps after which a slot knows more of its board

function noteWork(data) {
  const before = running.get(data.slot);
  const work = before?.id === data.job ? before : {id: data.job, kind: data.kind, actor: data.actor, step: null,
    progress: NOTHING_MOVED};
  if (data.state === 'running') running.set(data.slot, work);
  work.state = data.state;
  if (data.step && data.step.name !== work.step?.name) work.progress = NOTHING_MOVED;
  work.step = data.step ?? work.step;
  work.progress = data.progress ?? work.progress;
  const learned = data.step?.state === 'succeeded' && FINDS_OUT.includes(data.step.name);
  if (before?.id !== data.job || (learned && data.progress === undefined)) readSlot(data.slot);
}

const reading = new Map(); // what is being read → whether it must be read again

/** One reading at a time of each thing (a text, or an object of who reads); what changes meanwhile is read once more
 *  after it. A Problem goes to @p failed: by default it is left to the stream, which notices what is wrong, and all is
 *  read anew then. Other errors are bugs, and reported as such. */
export async function readOnce(key, read, failed = () => {}) {
  if (reading.has(key)) {
    reading.set(key, true);
    return;
  }
  do {
    reading.set(key, false);
    await read().catch((error) => (error.code === undefined ? reportError(error) : failed(error)));
  } while (reading.get(key));
  reading.delete(key);
}

const TOGETHER_MS = 100; // who looks does not notice; and what happens to many slots at once is read once
const stale = new Set(); // names of slots that are to be read
let timer = 0;

function readSlot(name) {
  stale.add(name);
  timer ||= setTimeout(() => {
    timer = 0;
    if (stream) readOnce('stale', readStale);
  }, TOGETHER_MS);
}

async function readStale() {
  const mine = stream;
  const names = [...stale];
  stale.clear();
  const {items} = await get('/v1/slots').catch((problem) => {
    for (const name of names) stale.add(name); // for the next that is read
    throw problem;
  });
  if (stream !== mine) return;
  const read = new Map(items.map((slot) => [slot.name, slot]));
  for (const name of names) {
    if (!slots.has(name) || !read.has(name)) return void readAll();
    slots.set(name, read.get(name));
    const ended = read.get(name).job === null || running.get(name)?.state !== 'running';
    if (ended && !stale.has(name)) running.delete(name);
    mark(name);
  }
}

const IN_A_FRAME = 4; // slots; what changes all over the bench is drawn over some frames, so that none comes late

function mark(name) {
  changed.add(name);
  frame ||= requestAnimationFrame(tell);
}

function tell() {
  const names = new Set(changed.has('all') ? changed : [...changed].slice(0, IN_A_FRAME));
  for (const name of names) changed.delete(name);
  frame = changed.size > 0 ? requestAnimationFrame(tell) : 0;
  for (const listener of listeners) listener({all: names.has('all'), names});
}
