// A board: what is known of it, all that was done to it, and what it was before.
import {get, query, url} from '../api.js';
import {restoreButton} from '../backups.js';
import {readOnce, slots, watchBench, watchEvents} from '../bench.js';
import {fill, h} from '../dom.js';
import {whenBack, workDone} from '../job_list.js';
import {badge, facts, heading, pagedTable, problemBox, time} from '../parts.js';
import {link} from '../router.js';
import {addWords, formatBytes, t, tWord} from '../text.js';
import words from '../words/device.js';

addWords(words);

const PAGE = 50;

export async function show(page) {
  const {mac} = page.params;
  page.title(mac);
  const about = h('div');
  const history = h('div');
  const backups = h('div');
  let newest = null; // the job that the history begins with

  const read = async () => {
    const device = await get(url`/v1/devices/${mac}`, {signal: page.signal});
    if (page.signal.aborted || newest === device.history[0]?.job) return;
    newest = device.history[0]?.job;
    fill(about, aboutCard(device));
    fill(history, h('h2', {}, t('device.history')), await historyTable(device.history));
    fill(backups, h('h2', {}, t('backup.title')), await backupTable(page, device));
  };
  try {
    await read();
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    const all = h('p', {}, h('a', {href: '#/devices'}, t('device.all')));
    fill(page.main, heading(t('device.none')), problemBox(problem), all);
    return;
  }
  fill(page.main, heading(mac), about, h('section', {class: 'card'}, history), h('section', {class: 'card'}, backups));

  const again = () => readOnce(page, read);
  const ends = [
    watchEvents(({type, data}) => {
      if (type === 'job.ended' && (slots.get(data.slot)?.board?.mac ?? mac) === mac) again();
    }),
    watchBench(whenBack(again)),
  ];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
}

function aboutCard(device) {
  const here = [...slots.values()].find((slot) => slot.board?.mac === device.mac)?.name ?? device.slot;
  return h('section', {class: 'card'}, facts([
    [t('device.chip'), device.chip],
    [t('device.slot'), here ? h('a', {href: link`/slots/${here}`}, here) : null],
    [t('device.credential'), device.credential ? h('a', {href: `#/credentials?id=${device.credential}`},
      device.common_name || device.credential) : t('device.no_credential')],
    [t('device.fingerprint'), device.fingerprint_sha256 ? h('code', {}, device.fingerprint_sha256) : null],
    [t('device.first_seen'), time(device.first_seen)],
    [t('device.last_seen'), time(device.last_seen)],
  ]));
}

function historyTable(entries) {
  const credential = ({credential: id}) => (id ? h('a', {href: `#/credentials?id=${id}`}, id) : '–');
  const slice = async (from = 0) => ({items: entries.slice(from, from + PAGE),
    next: entries.length > from + PAGE ? from + PAGE : null});
  return pagedTable(t('device.history'), [
    {title: t('device.at'), cell: (entry) => h('a', {href: link`/jobs/${entry.job}`}, time(entry.at))},
    {title: t('device.outcome'), cell: (entry) => badge('state', entry.outcome)},
    {title: t('device.what'), cell: (entry) => workDone(entry.detail ?? {})},
    {title: t('device.slot'), cell: (entry) => h('a', {href: link`/slots/${entry.slot}`}, entry.slot)},
    {title: t('device.credential'), cell: credential},
    {title: t('device.method'), cell: (entry) => (entry.method ? tWord('method', entry.method) : '–')},
  ], slice, t('device.no_history'));
}

async function backupTable(page, {mac}) {
  const problemPlace = h('div');
  const read = (cursor) => get(`/v1/backups${query({mac, limit: PAGE, cursor})}`, {signal: page.signal});
  const list = await pagedTable(t('backup.title'), [
    {title: t('backup.made'), cell: (backup) => time(backup.created_at)},
    {title: t('backup.partition'), cell: (backup) => backup.partition},
    {title: t('backup.place'), cell: ({offset, size}) => [h('code', {}, `0x${offset.toString(16)}`),
      ` · ${formatBytes(size)}`]},
    {title: t('backup.job'), cell: ({job}) => h('a', {href: link`/jobs/${job}`}, job)},
    {title: t('backup.action'), cell: (backup) => restoreButton(backup, mac, backup.slot, problemPlace)},
  ], read, t('backup.none'));
  return [problemPlace, list];
}
