// The jobs of a batch, kept up to date by the event stream, over a restart of the service as well.
import {get, url} from '../api.js';
import {connection, watchBench, watchEvents} from '../bench.js';
import {hasEnded} from './flow.js';

/** @param changed  called with a row whose job has changed  @param progress  with one that has only moved on
 *  @return {read(row), stop()}: read looks once, for a job that may have begun before anybody listened */
export function followJobs(wizard, changed, progress) {
  const reading = new Set();

  /** One reading of a row at a time; what happens meanwhile is read after it. */
  async function read(row) {
    if (reading.has(row)) {
      row.again = true;
      return;
    }
    reading.add(row);
    do {
      row.again = false;
      const job = await get(url`/v1/jobs/${row.job.id}`).catch(() => null); // the stream notices what is wrong
      if (job?.id === row.job.id) {
        row.job = job;
        changed(row);
      }
    } while (row.again);
    reading.delete(row);
  }

  const endEvents = watchEvents(({type, data}) => {
    const row = wizard.rows.find((each) => each.job?.id === data.job);
    if (!row || hasEnded(row)) return;
    if (type !== 'job.progress') read(row);
    else {
      row.job.progress = data.progress;
      progress(row);
    }
  });
  const endBench = watchBench(({all}) => {
    if (!all || connection.state !== 'live') return;
    for (const row of wizard.rows) if (row.phase === 'sent' && !hasEnded(row)) read(row);
  });
  return {
    read,
    stop() {
      endEvents();
      endBench();
    },
  };
}
