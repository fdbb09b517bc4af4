// Every board that was seen.
import {call, get, query} from '../api.js';
import {fill, h} from '../dom.js';
import {filterBar} from '../filter.js';
import {actionButton, badge, heading, pagedTable, saveFile, time} from '../parts.js';
import {link} from '../router.js';
import {addWords, t} from '../text.js';
import words from '../words/devices.js';

addWords(words);

const PAGE = 50;
const CSV_PAGE = 200;

export async function show(page) {
  page.title(t('nav.devices'));
  const problemPlace = h('div');
  const place = h('div');
  let wanted = {};
  const bar = filterBar(page, '#/devices', [{name: 'q', label: t('devices.search'), maxlength: 127,
    placeholder: t('devices.example')}], async ({q}, signal) => {
    wanted = {q};
    const read = (cursor) => get(`/v1/devices${query({q, limit: PAGE, cursor})}`, {signal});
    fill(place, await pagedTable(t('nav.devices'), columns(), read, t(q ? 'devices.not_found' : 'devices.none')));
  });
  const save = actionButton(t('devices.csv'), 'plain', problemPlace, async () => {
    saveFile('devices.csv', new Blob(await readCsv(wanted, page.signal), {type: 'text/csv'}));
  });
  fill(page.main, heading(t('nav.devices'), save), problemPlace, bar.node, place);
  await bar.apply();
}

/** All pages of it, as one file: only the first keeps the line that names the columns. */
async function readCsv(wanted, signal) {
  const parts = [];
  let address = `/v1/devices${query({...wanted, limit: CSV_PAGE})}`;
  while (address) {
    const {data, link: next} = await call('GET', address, {headers: {Accept: 'text/csv'}, blob: true, signal});
    const text = await data.text();
    parts.push(parts.length ? text.slice(text.indexOf('\n') + 1) : text);
    address = /^<([^>]+)>; rel="next"/.exec(next ?? '')?.[1];
  }
  return parts;
}

function columns() {
  return [
    {title: 'MAC', cell: (device) => h('a', {class: 'mac', href: link`/devices/${device.mac}`}, device.mac)},
    {title: t('devices.chip'), cell: (device) => device.chip ?? '–'},
    {title: t('devices.outcome'), cell: (device) => (device.outcome ? badge('state', device.outcome) : '–')},
    {title: t('devices.slot'), cell: ({slot}) => (slot ? h('a', {href: link`/slots/${slot}`}, slot) : '–')},
    {title: t('devices.credential'), cell: ({credential: id, common_name: name}) => (id
      ? h('a', {href: `#/credentials?id=${id}`}, name || id) : '–')},
    {title: t('devices.first_seen'), cell: (device) => time(device.first_seen)},
    {title: t('devices.last_seen'), cell: (device) => time(device.last_seen)},
  ];
}
