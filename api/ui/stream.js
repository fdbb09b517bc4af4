// The service's events as they happen. Not an EventSource, which can send no Authorization: its manners are kept,
// though. It comes back with the last id that it saw. A tab that nobody sees lets its stream go: a browser has but six
// connections to a host, and eight tabs would otherwise leave none to work with.
import {fetchAs, Problem, unreachable} from './api.js';

const SILENCE_MS = 40000; // the service says something every 15 s
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const HIDDEN_MS = 30000;
const UNTIL_SEEN_MS = 2 ** 31 - 1;

/** One line of text/event-stream after the other; @p tell gets {id, type, data} at each empty line. Pure. */
function eventReader(tell) {
  let rest = '';
  let event = {};
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === '' || line === '\r') {
        if (event.data !== undefined) tell({id: event.id, type: event.event, data: JSON.parse(event.data)});
        event = {};
        continue;
      }
      const colon = line.indexOf(':');
      if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).trim();
    }
  };
}

/** Calls @p silent when it is not told heard() for SILENCE_MS. */
function watchSilence(silent) {
  let timer = setTimeout(silent, SILENCE_MS);
  return {
    heard() {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
    },
    end: () => clearTimeout(timer),
  };
}

/** One connection until it ends: by the service, by a silence, or because @p ending (an AbortController) ends it.
 *  @param tell  up() when it is there, event({id, type, data}) for each. Throws the Problem when it cannot be had. */
async function readConnection(path, lastId, ending, tell) {
  const silence = watchSilence(() => ending.abort());
  try {
    const headers = lastId === null ? {} : {'Last-Event-ID': lastId};
    const response = await fetchAs(path, {headers, signal: ending.signal}).catch((error) => {
      throw error instanceof Problem ? error : unreachable();
    });
    tell.up();
    const read = eventReader(tell.event);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const {done, value} = await reader.read().catch(() => ({done: true}));
      if (done) return;
      silence.heard();
      read(value);
    }
  } finally {
    silence.end();
  }
}

/** A wait that can be cut short. */
function createPause() {
  let wakeUp = () => {};
  return {
    wait: (ms) => new Promise((done) => {
      const timer = setTimeout(done, ms);
      wakeUp = () => {
        clearTimeout(timer);
        done();
      };
    }),
    cut: () => wakeUp(),
  };
}

/** Calls @p letGo when nobody has seen the tab for HIDDEN_MS, and @p changed when it is seen or hidden, and when the
 *  network is there again. @return a function that ends it */
function watchTab(letGo, changed) {
  let hiddenTimer = 0;
  const look = () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(letGo, HIDDEN_MS);
    changed();
  };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('online', look);
    clearTimeout(hiddenTimer);
  };
}

/** @param listener  event({type, data}) for each; up() after each (re)connection, when all must be read anew;
 *                   down(problem) when it was lost or could not be had
 *  @return {stop} */
export function openStream(path, listener) {
  const pause = createPause();
  let ending = null; // aborts the connection that is there
  let wait = FIRST_WAIT_MS;
  let lastId = null;
  let stopped = false;
  const tell = {
    up() {
      wait = FIRST_WAIT_MS;
      listener.up();
    },
    event(event) {
      lastId = event.id ?? lastId;
      listener.event(event);
    },
  };

  async function run() {
    while (!stopped) {
      if (document.hidden) {
        await pause.wait(UNTIL_SEEN_MS);
        continue; // it may have been stopped meanwhile
      }
      try {
        ending = new AbortController();
        await readConnection(path, lastId, ending, tell);
        if (!stopped && !document.hidden) listener.down(unreachable());
      } catch (error) {
        if (stopped) return;
        if (!(error instanceof Problem)) reportError(error); // a fault of a listener: the stream goes on behind it
        listener.down(error instanceof Problem ? error : unreachable());
        if (error.status === 401) return; // nobody sits here any more
      }
      if (!stopped) await pause.wait(wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }

  const endWatch = watchTab(() => ending?.abort(), pause.cut);
  run();
  return {
    stop() {
      stopped = true;
      endWatch();
      ending?.abort();
      pause.cut();
    },
  };
}
