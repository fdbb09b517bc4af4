// A slot: as it is now, what can be ordered there, its console, and its jobs.
import {get, post, query, url} from '../api.js';
import {dialog, tell} from '../ask.js';
import {connection, running, slots, watchBench} from '../bench.js';
import {LEVELS} from '../choices.js';
import {fill, h, refill, setProperty} from '../dom.js';
import {jobList} from '../job_list.js';
import {actionButton, facts, heading, time, whileBusy} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, t, tWord} from '../text.js';
import words from '../words/slot.js';
import wallWords from '../words/wall.js';
import {createConsole} from './console.js';
import {attempt, order, orderButton} from './order.js';
import {createTile} from './tile.js';

addWords(wallWords);
addWords(words);

export async function show(page) {
  const {name} = page.params;
  const first = slots.get(name) ?? await get(url`/v1/slots/${name}`, {signal: page.signal});
  page.title(name);
  const tile = createTile({name, heading: null, action: null});
  const gone = h('p', {class: 'notice', role: 'status', hidden: true}, t('slot.gone'));
  const hold = holdPart(name);
  const ports = h('div');
  const jobs = jobList(page, t('slot.jobs'), t('slot.no_jobs'));
  fill(page.main, heading(name, can('operator') ? actions(name) : null), gone,
    h('div', {class: 'slot'}, h('div', {class: 'side'}, tile.node,
      h('section', {class: 'card'}, h('h2', {}, t('slot.queue')), hold.node),
      h('section', {class: 'card'}, h('h2', {}, t('slot.ports')), ports)),
    h('section', {class: 'card at-console'}, h('h2', {}, t('console.title')),
      can('operator') ? createConsole(name, page) : h('p', {}, t('console.viewer')))),
    h('section', {class: 'slot-jobs'}, h('h2', {}, t('slot.jobs')), jobs.node));

  function update(slot) {
    tile.update(slot, running.get(name));
    hold.update(slot.hold);
    refill(ports, portsOf(slot), () => portFacts(slot));
  }
  update(first);
  page.signal.addEventListener('abort', watchBench(({all, names}) => {
    if (connection.state === 'waiting' || !(all || names.has(name))) return;
    setProperty(gone, 'hidden', slots.has(name));
    if (slots.has(name)) update(slots.get(name));
  }));
  await jobs.show({slot: name});
}

function actions(name) {
  const check = h('button', {type: 'button', class: 'plain',
    onclick: () => whileBusy(check, () => attempt(t('slot.check'), () => orderCheck(name)))}, t('slot.check'));
  return [orderButton('identify', name), check, orderButton('reset', name),
    h('a', {class: 'button main', href: link`/provision` + query({slot: name})}, tWord('kind', 'provision'))];
}

/** A profile knows the Wi-Fi and the broker that a check needs. */
async function orderCheck(slot) {
  const {items} = await get('/v1/profiles?limit=200');
  if (items.length === 0) {
    return tell(t('slot.check'), h('p', {}, t('slot.no_profile'), ' ', can('engineer')
      ? h('a', {href: '#/settings/profiles'}, t('slot.make_profile')) : t('slot.ask_profile')));
  }
  const profile = h('select', {id: 'check-profile'}, items.map((item) => h('option', {value: item.name}, item.name)));
  const level = h('select', {id: 'check-level', value: 'publish'},
    LEVELS.slice(1).map((word) => h('option', {value: word}, t(`level.${word}`))));
  const content = h('div', {class: 'form'},
    h('div', {class: 'field'}, h('label', {for: 'check-profile'}, t('slot.profile')), profile),
    h('div', {class: 'field'}, h('label', {for: 'check-level'}, t('slot.level')), level));
  const go = await dialog(t('slot.check'), content, [{label: tWord('kind', 'check'), value: 'go'}]);
  return go && order({kind: 'check', slot, profile: profile.value, level: level.value});
}

const HOLDS = {resume: null, pause: 'paused', drain: 'draining'};

/** Whether its queue runs, stands still or runs dry: one of three is pressed. */
function holdPart(name) {
  const place = h('div');
  const text = h('p', {class: 'help'});
  const set = (word) => actionButton(t(`slot.${word}`), 'plain', place, async () => {
    const slot = await post(url`/v1/slots/${name}/${word}`);
    update(slot.hold);
  });
  const buttons = Object.keys(HOLDS).map((word) => [word, set(word)]);
  const node = h('div', {}, can('operator') ? h('div', {class: 'filters', role: 'group', 'aria-label': t('slot.queue')},
    buttons.map(([, button]) => button)) : null, text, place);

  function update(hold) {
    const state = hold?.state === 'drained' ? 'draining' : hold?.state ?? null;
    for (const [word, button] of buttons) setProperty(button, 'ariaPressed', String(HOLDS[word] === state));
    refill(text, hold, () => [t(`slot.hold_${hold?.state ?? 'none'}`),
      hold ? [' ', t('slot.held', {who: hold.actor ?? '–'}), ' ', time(hold.since)] : null]);
  }
  return {node, update};
}

/** What portFacts() shows: it changes with the settings, not while the slot works. */
function portsOf({download_port, at_port, reset, download_baud, flash_baud, at_baud, implicit}) {
  return {download_port, at_port, reset, download_baud, flash_baud, at_baud, implicit};
}

function portFacts(slot) {
  return [facts([
    [t('slot.download_port'), slot.download_port && h('code', {}, slot.download_port)],
    [t('slot.at_port'), slot.at_port ? h('code', {}, slot.at_port) : t('slot.no_at_port')],
    [t('slot.reset_by'), slot.reset],
    [t('slot.bauds'), `${slot.download_baud} · ${slot.flash_baud} · ${slot.at_baud}`],
  ]),
  slot.implicit ? h('p', {class: 'help'}, t('slot.implicit')) : null,
  can('engineer') ? h('p', {}, h('a', {href: '#/settings/slots'}, t('slot.settings'))) : null];
}
