// Firmware that is kept here, and how it gets onto a board.
import {call, create, del, get, ownProblem, query, url} from '../api.js';
import {askingButton, confirm} from '../ask.js';
import {slots} from '../bench.js';
import {fill, h} from '../dom.js';
import {actionButton, announce, heading, pagedTable, showProblem, time} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, formatBytes, t} from '../text.js';
import words from '../words/firmware.js';

addWords(words);

const LARGEST = 64 * 1024 * 1024; // what POST /v1/firmware takes

export async function show(page) {
  page.title(t('nav.firmware'));
  const problemPlace = h('div');
  const place = h('div');
  const all = page.query.id && h('p', {class: 'more'}, h('a', {href: '#/firmware'}, t('firmware.all')));
  const list = async () => {
    const shown = columns(page, problemPlace, list);
    fill(place, await pagedTable(t('nav.firmware'), shown, reader(page), t('firmware.none')), all);
  };
  fill(page.main, heading(t('nav.firmware'), can('engineer') && upload(problemPlace, list)),
    h('p', {class: 'help'}, t('firmware.about')), problemPlace, place);
  await list();
}

/** All of them, or the one that a job or a link names. */
function reader({query: {id}, signal}) {
  if (!id) return (cursor) => get(`/v1/firmware${query({limit: 50, cursor})}`, {signal});
  return async () => ({items: [await get(url`/v1/firmware/${id}`, {signal})], next: null});
}

function upload(problemPlace, list) {
  const input = h('input', {type: 'file', class: 'unseen', id: 'firmware-file', onchange: async () => {
    const [file] = input.files;
    input.value = '';
    if (!file) return;
    const {name, size} = file;
    fill(problemPlace, h('p', {role: 'status'}, t('firmware.uploading', {name, size: formatBytes(size)})));
    try {
      if (size > LARGEST) throw tooLarge(file);
      const form = new FormData();
      form.append('file', file);
      await call('POST', '/v1/firmware', {form});
      fill(problemPlace);
      announce(t('firmware.kept', {name}));
      await list();
    } catch (problem) {
      showProblem(problemPlace, problem);
    }
  }});
  return [input, h('label', {class: 'button main', for: 'firmware-file'}, t('firmware.upload'))];
}

function tooLarge(file) {
  const {name, size} = file;
  return ownProblem('too_large', t('firmware.too_large', {name, size: formatBytes(size)}),
    t('firmware.limit', {limit: formatBytes(LARGEST)}));
}

function columns(page, problemPlace, list) {
  return [
    {title: t('firmware.name'), cell: (one) => one.name},
    {title: t('firmware.kind'), cell: (one) => t(`firmware.kind_${one.kind}`)},
    {title: t('firmware.chip'), cell: (one) => one.chip ?? '–'},
    {title: t('firmware.version'), cell: (one) => [one.project, one.version].filter(Boolean).join(' ') || '–'},
    {title: t('firmware.layout'), cell: (one) => one.layout},
    {title: t('firmware.size'), cell: (one) => formatBytes(one.size)},
    {title: t('firmware.came'), cell: (one) => time(one.created_at)},
    {title: '', cell: (one) => h('div', {class: 'actions'},
      can('operator') && one.kind !== 'binary' && actionButton(t('kind.flash'), 'plain', problemPlace,
        () => flash(one, page)),
      can('engineer') && deleteButton(one, problemPlace, list))},
  ];
}

function deleteButton({id, name}, problemPlace, list) {
  const question = {title: t('core.delete'), text: t('firmware.sure', {name})};
  return askingButton(t('core.delete'), question, problemPlace, async () => {
    await del(url`/v1/firmware/${id}`);
    await list();
  });
}

/** A job that writes it to the board of a slot, with a credential if one is chosen. */
async function flash(firmware, page) {
  const credentials = (await get('/v1/credentials?limit=200')).items.filter((one) => one.key_purged_at === null);
  const slot = h('select', {id: 'flash-slot'}, [...slots.keys()].map((name) => h('option', {value: name}, name)));
  const credential = h('select', {id: 'flash-credential'}, h('option', {value: ''}, t('firmware.without')),
    credentials.map((one) => h('option', {value: one.id}, one.common_name ?? one.subject)));
  const content = [h('p', {}, t('firmware.flash_text', {name: firmware.name})),
    h('div', {class: 'field'}, h('label', {for: 'flash-slot'}, t('firmware.slot')), slot),
    h('div', {class: 'field'}, h('label', {for: 'flash-credential'}, t('firmware.credential')), credential)];
  if (!await confirm(t('kind.flash'), content, t('kind.flash'))) return;
  const order = {kind: 'flash', slot: slot.value, firmware: firmware.id, credential: credential.value || undefined};
  const job = await create('/v1/jobs', order);
  page.go(link`/jobs/${job.id}`);
}
