// The jobs of a batch, kept up to date by the event stream, over a restart of the service as well.
import {get, url} from '../api.js';
import {connection, readOnce, watchBench, watchEvents} from '../bench.js';
import {hasEnded} from './flow.js';

/** @param changed  called with a row whose job has changed  @param progress  with one that has only moved on
 *  @return {read(row), readAll(), stop()}: read looks once, for a job that may have begun before anybody listened */
export function followJobs(wizard, changed, progress) {
  const read = (row) => readOnce(row, async () => {
    const {id} = row.job;
    const job = await get(url`/v1/jobs/${id}`);
    if (row.job.id !== id) return; // another one by now: it was retried
    row.job = job;
    changed(row);
  });

  const readAll = () => {
    for (const row of wizard.rows) if (row.phase === 'sent' && !hasEnded(row)) read(row);
  };

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
    if (all && connection.state === 'live') readAll();
  });
  return {
    read,
    readAll,
    stop() {
      endEvents();
      endBench();
    },
  };
}
