// Partitions as they were before a job changed them, and the way back.
import {create} from './api.js';
import {confirm} from './ask.js';
import {slots} from './bench.js';
import {h} from './dom.js';
import {actionButton} from './parts.js';
import {link} from './router.js';
import {can} from './session.js';
import {addWords, t} from './text.js';
import words from './words/backups.js';

addWords(words);

/** A button that puts a backup back: a job of its own, at the slot where the board is.
 *  @param page  that goes there  @param backup  {id, partition}  @param mac  of its board
 *  @param usual  the slot where it was last
 *  @param problemPlace  for what goes wrong. null where the reader may not */
export function restoreButton(page, backup, mac, usual, problemPlace) {
  if (!can('operator')) return null;
  return actionButton(t('backup.restore'), 'plain', problemPlace, async () => {
    const slot = await askSlot(backup, mac, usual);
    if (slot === null) return;
    const job = await create('/v1/jobs', {kind: 'restore', slot, backup: backup.id});
    page.go(link`/jobs/${job.id}`);
  });
}

/** Where the board sits now: where it was seen last, unless the reader knows better. @return null: not at all */
async function askSlot(backup, mac, usual) {
  const names = [...slots.keys()];
  const here = [...slots.values()].find((slot) => slot.board?.mac === mac)?.name ?? usual;
  if (!names.includes(here)) names.unshift(here);
  const choice = h('select', {id: 'restore-slot', value: here}, names.map((name) => h('option', {value: name}, name)));
  const content = [h('p', {}, t('backup.restore_text', {partition: backup.partition, mac})),
    h('div', {class: 'field'}, h('label', {for: 'restore-slot'}, t('backup.slot')), choice)];
  return await confirm(t('backup.restore_title'), content, t('backup.restore')) ? choice.value : null;
}
