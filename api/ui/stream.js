// The service's events as they happen. Not an EventSource, which can send no Authorization: its manners are kept, though.
// It comes back with the last id that it saw. A tab that nobody sees lets its stream go: a browser has but six connections
// to a host, and eight tabs would otherwise leave none to work with.
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

/** @param listener  event({type, data}) for each; up() after each (re)connection, when all must be read anew;
 *                   down(problem) when it was lost or could not be had
 *  @return {stop} */
export function openStream(path, listener) {
  let lastId = null;
  let stopped = false;
  let ending = null; // aborts the connection that is there
  let wakeUp = () => {};
  let hiddenTimer = 0;

  const onVisibility = () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => ending?.abort(), HIDDEN_MS);
    wakeUp();
  };
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('online', onVisibility);

  const pause = (ms) => new Promise((done) => {
    const timer = setTimeout(done, ms);
    wakeUp = () => {
      clearTimeout(timer);
      done();
    };
  });

  async function run() {
    let wait = FIRST_WAIT_MS;
    while (!stopped) {
      if (document.hidden) await pause(UNTIL_SEEN_MS);
      try {
        await readOnce(() => { wait = FIRST_WAIT_MS; });
        if (!stopped && !document.hidden) listener.down(unreachable());
      } catch (error) {
        if (stopped) return;
        if (!(error instanceof Problem)) reportError(error); // a fault of a listener: the stream goes on behind it
        listener.down(error instanceof Problem ? error : unreachable());
        if (error.status === 401) return; // nobody sits here any more
      }
      if (!stopped) await pause(wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }

  async function readOnce(connected) {
    ending = new AbortController();
    let watchdog = setTimeout(() => ending.abort(), SILENCE_MS);
    try {
      const headers = lastId === null ? {} : {'Last-Event-ID': lastId};
      const response = await fetchAs(path, {headers, signal: ending.signal}).catch((error) => {
        throw error instanceof Problem ? error : unreachable();
      });
      connected();
      listener.up();
      const read = eventReader((event) => {
        lastId = event.id ?? lastId;
        listener.event(event);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const {done, value} = await reader.read().catch(() => ({done: true}));
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => ending.abort(), SILENCE_MS);
        read(value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  run();
  return {
    stop() {
      stopped = true;
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('online', onVisibility);
      clearTimeout(hiddenTimer);
      ending?.abort();
      wakeUp();
    },
  };
}
