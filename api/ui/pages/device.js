// A board: what is known of it, all that was done to it, and what it was before.
import {get, query, url} from '../api.js';
import {restoreButton} from '../backups.js';
import {readOnce, slots, watchBench, watchEvents, whenBack} from '../bench.js';
import {fill, h} from '../dom.js';
import {workDone} from '../job_rows.js';
import {badge, facts, heading, orNone, pagedTable, time} from '../parts.js';
import {link} from '../router.js';
import {addWords, formatBytes, t, tWord} from '../text.js';
import words from '../words/devices.js';

addWords(words);

const PAGE = 50;

export async function show(page) {
  const {mac} = page.params;
  page.title(mac);
  const about = h('div');
  const history = h('div');
  const backups = h('div');
  let newest = null; // the job that the history begins with; null before all was read

  const read = async () => {
    const device = await get(url`/v1/devices/${mac}`, {signal: page.signal});
    if (newest === device.history[0]?.job) return;
    const [past, stored] = await Promise.all([historyTable(device.history), backupTable(page, device)]);
    page.signal.throwIfAborted();
    newest = device.history[0]?.job;
    fill(about, aboutCard(device));
    fill(history, h('h2', {}, t('devices.history')), past);
    fill(backups, h('h2', {}, t('backup.title')), stored);
  };
  const all = h('a', {href: '#/devices'}, t('devices.all'));
  if (!await orNone(page, read().then(() => true), t('devices.none_such'), all)) return;
  fill(page.main, heading(mac), about, h('section', {class: 'card'}, history), h('section', {class: 'card'}, backups));

  const again = () => readOnce(page, read);
  const ends = [
    watchEvents(({type}) => type === 'job.ended' && again()), // whose board it was is known to the service alone
    watchBench(whenBack(again)),
  ];
  page.signal.addEventListener('abort', () => ends.forEach((end) => end()));
}

function aboutCard(device) {
  const here = [...slots.values()].find((slot) => slot.board?.mac === device.mac)?.name ?? device.slot;
  return h('section', {class: 'card'}, facts([
    [t('devices.chip'), device.chip],
    [t('devices.slot'), here ? h('a', {href: link`/slots/${here}`}, here) : null],
    [t('devices.credential'), device.credential ? h('a', {href: `#/credentials?id=${device.credential}`},
      device.common_name || device.credential) : t('devices.no_credential')],
    [t('devices.fingerprint'), device.fingerprint_sha256 ? h('code', {}, device.fingerprint_sha256) : null],
    [t('devices.first_seen'), time(device.first_seen)],
    [t('devices.last_seen'), time(device.last_seen)],
  ]));
}

function historyTable(entries) {
  const credential = ({credential: id}) => (id ? h('a', {href: `#/credentials?id=${id}`}, id) : '–');
  const slice = async (from = 0) => ({items: entries.slice(from, from + PAGE),
    next: entries.length > from + PAGE ? from + PAGE : null});
  return pagedTable(t('devices.history'), [
    {title: t('devices.at'), cell: (entry) => h('a', {href: link`/jobs/${entry.job}`}, time(entry.at))},
    {title: t('devices.ended'), cell: (entry) => badge('state', entry.outcome)},
    {title: t('devices.what'), cell: (entry) => workDone(entry.detail ?? {})},
    {title: t('devices.slot'), cell: (entry) => h('a', {href: link`/slots/${entry.slot}`}, entry.slot)},
    {title: t('devices.credential'), cell: credential},
    {title: t('devices.method'), cell: (entry) => (entry.method ? tWord('method', entry.method) : '–')},
  ], slice, t('devices.no_history'));
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
    {title: t('backup.restore'), cell: (backup) => restoreButton(page, backup, mac, backup.slot, problemPlace)},
  ], read, t('backup.none'));
  return [problemPlace, list];
}
