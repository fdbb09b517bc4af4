// The bench: every slot as a tile, as it is now.
import {connection, running, slots, watchBench} from '../bench.js';
import {fill, h, refill, setProperty, setText} from '../dom.js';
import {announce, heading} from '../parts.js';
import {link} from '../router.js';
import {can} from '../session.js';
import {addWords, t} from '../text.js';
import words from '../words/wall.js';
import {orderButton} from './order.js';
import {createTile, endText} from './tile.js';

addWords(words);

const FILTERS = {all: () => true, working: (look) => look === 'working', bad: (look) => look === 'bad'};
let filter = 'all'; // it stays what it was when the reader comes back from another page

export async function show(page) {
  page.title(t('nav.bench'));
  const tiles = new Map(); // slot name → {tile, item of the list}
  const wall = h('ul', {class: 'wall'});
  const filters = filterButtons(showFilter);
  const none = h('div');
  fill(page.main, heading(t('nav.bench'), filters.node), wall, none);

  function update({all, names}) {
    if (connection.state === 'waiting') return;
    if (all) arrange(wall, tiles);
    for (const name of all ? tiles.keys() : names) if (tiles.has(name)) refresh(name, tiles.get(name).tile);
    showFilter();
  }

  function showFilter() {
    const looks = [...tiles.values()].map(({tile}) => tile.look);
    filters.update(looks);
    showNone(none, looks);
    for (const {tile, item} of tiles.values()) setProperty(item, 'hidden', !FILTERS[filter](tile.look));
  }

  update({all: true, names: new Set()});
  page.signal.addEventListener('abort', watchBench(update));
}

/** A tile for each slot, in the service's order; those that stay are not touched. */
function arrange(wall, tiles) {
  for (const [name, {item}] of tiles) {
    if (slots.has(name)) continue;
    item.remove();
    tiles.delete(name);
  }
  let next = wall.firstChild;
  for (const name of slots.keys()) {
    if (!tiles.has(name)) tiles.set(name, newTile(name));
    const {item} = tiles.get(name);
    if (item === next) next = next.nextSibling;
    else wall.insertBefore(item, next);
  }
  wall.className = `wall ${slots.size > 16 ? 'many' : slots.size > 8 ? 'some' : 'few'}`;
}

function newTile(name) {
  const tile = createTile({name, heading: h('h2', {class: 'name'}, h('a', {href: link`/slots/${name}`}, name)),
    action: can('operator') ? orderButton('identify', name, 'small') : null});
  return {tile, item: h('li', {}, tile.node)};
}

/** Show it, and say how what worked there has ended, unless the slot goes on to tell an older failure. */
function refresh(name, tile) {
  const before = tile.work;
  const {last_job: last} = slots.get(name);
  tile.update(slots.get(name), running.get(name));
  if (before && !tile.work && before.id === last?.id) announce(`${name}. ${endText(last)}`);
}

/** A button for each filter with how many it shows; one is pressed. @param chosen  called when another one is */
function filterButtons(chosen) {
  const choose = (name) => {
    filter = name;
    chosen();
  };
  const buttons = Object.keys(FILTERS).map((name) => [name,
    h('button', {type: 'button', class: 'plain', onclick: () => choose(name)})]);
  const node = h('div', {class: 'filters', role: 'group', 'aria-label': t('wall.filters')},
    buttons.map(([, button]) => button));
  function update(looks) {
    for (const [name, button] of buttons) {
      setText(button, t(`wall.show_${name}`, {n: looks.filter(FILTERS[name]).length}));
      setProperty(button, 'ariaPressed', String(name === filter));
    }
    setProperty(node, 'hidden', looks.length === 0);
  }
  return {node, update};
}

/** What stands at @p place when no tile is shown. */
function showNone(place, looks) {
  const none = looks.length === 0 ? 'bench' : looks.some(FILTERS[filter]) ? null : filter;
  refill(place, none, () => (none === 'bench' ? emptyBench()
    : none && h('p', {class: 'empty'}, t(`wall.none_${none}`))));
}

/** What to do when there is nothing yet. */
function emptyBench() {
  return h('section', {class: 'card nothing'}, h('h2', {}, t('wall.empty')), h('p', {}, t('wall.empty_plug')),
    h('p', {}, t('wall.empty_slot')), h('p', {}, t('wall.empty_missing')),
    can('engineer') ? h('p', {}, h('a', {class: 'button', href: '#/settings/slots'}, t('wall.name_slots'))) : null);
}
