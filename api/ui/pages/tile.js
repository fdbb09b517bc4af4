// A slot as a tile, which is read from two metres: its name, and by shape, word and colour how it stands. Then what
// works there, or how the last job ended and what to do about it. A tile writes only what differs, and its parts keep
// their place whatever they say, so that a wall of them stands still.
import {h, refill, setProperty, setText} from '../dom.js';
import {ownWords, progressText, sentences, time} from '../parts.js';
import {link} from '../router.js';
import {t, tWord} from '../text.js';

const ONLY_LOOKS = ['at', 'read', 'reset'];

/** 'idle', 'working', 'good', 'bad' or 'absent'. @p work  what runs there, or undefined. Pure. */
function lookOf(slot, work) {
  if (work) return 'working';
  if (slot.state === 'absent') return 'absent';
  if (ONLY_LOOKS.includes(slot.last_job?.kind)) return 'idle'; // they say nothing of whether a board is good
  if (slot.last_job?.state === 'succeeded') return 'good';
  return ['failed', 'interrupted'].includes(slot.last_job?.state) ? 'bad' : 'idle';
}

/** @p path's last part: what a port is called at the bench. Pure. */
function portName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** @param heading  its name as a node, or null  @param action  a button of it, or null
 *  @return {node, look, work, update(slot, work)}: look and work are what it shows */
export function createTile({name, heading, action}) {
  const state = h('span', {class: 'word'});
  const ports = h('span', {class: 'ports'});
  const waiting = h('span', {class: 'badge'});
  const hold = h('span');
  const board = boardPart();
  const work = workPart(name);
  const end = h('div', {class: 'end'});
  const node = h('article', {class: 'tile', 'aria-label': name},
    h('div', {class: 'head'}, heading,
      h('span', {class: 'look'}, h('span', {class: 'shape', 'aria-hidden': 'true'}), state)),
    h('div', {class: 'place'}, ports, action),
    h('div', {class: 'board'}, board.nodes, h('div', {class: 'marks'}, board.seen, waiting, hold)),
    h('div', {class: 'now'}, work.node, end));
  const tile = {node, look: null, work: undefined, update};

  function update(slot, running) {
    const look = lookOf(slot, running);
    if (tile.look !== look) {
      node.className = `tile ${look}`;
      state.textContent = t(`look.${look}`);
      tile.look = look;
    }
    showPorts(ports, slot);
    setProperty(waiting, 'hidden', slot.queued === 0);
    setText(waiting, t('wall.waiting', {n: slot.queued}));
    setProperty(hold, 'hidden', slot.hold === null);
    setProperty(hold, 'className', `badge ${slot.hold?.state}`);
    if (slot.hold) setText(hold, tWord('hold', slot.hold.state));
    board.update(slot.board);
    setProperty(work.node, 'hidden', !running);
    setProperty(end, 'hidden', Boolean(running));
    tile.work = running;
    if (running) work.update(running);
    else refill(end, slot.last_job, () => endOf(slot.last_job));
  }
  return tile;
}

function showPorts(node, slot) {
  const paths = [...new Set([slot.download_port, slot.at_port])].filter(Boolean);
  setText(node, paths.map(portName).join(' · '));
  setProperty(node, 'title', paths.join('\n'));
}

/** What board was seen here last. */
function boardPart() {
  const mac = h('p', {class: 'mac'});
  const about = h('p', {class: 'quiet'});
  const seen = h('p', {class: 'quiet seen'});
  return {
    nodes: [mac, about],
    seen,
    update(board) {
      const layout = board?.layout && t(`wall.layout.${board.layout}`);
      const more = [board?.title, board?.firmware, layout].filter(Boolean);
      setText(mac, board ? board.mac ?? t('wall.no_mac') : '');
      setText(about, board ? more.join(' · ') : t('wall.no_board'));
      setProperty(about, 'title', more.join(' · '));
      const at = board?.seen_at;
      refill(seen, at, () => (at ? [h('span', {class: 'label'}, t('wall.seen'), ' '), time(at)] : null));
    },
  };
}

/** What runs now. */
function workPart(name) {
  const what = h('a', {class: 'what'});
  const by = h('p', {class: 'quiet by'});
  const figures = h('p', {class: 'figures'});
  const bar = h('progress', {max: '1', value: 0, 'aria-label': t('wall.progress', {slot: name})});
  return {
    node: h('div', {class: 'work'}, h('p', {}, what), bar, figures, by),
    update({id, kind, step, progress, actor}) {
      if (what.hash !== link`/jobs/${id}`) what.href = link`/jobs/${id}`;
      const word = tWord('kind', kind);
      setText(what, step ? t('wall.job', {kind: word, what: tWord('step', step.name)}) : word);
      setText(by, actor ? t('wall.by', {who: actor}) : '');
      // A step that cannot tell how far it is shows no bar: one that moves by itself would be drawn anew all the time.
      const share = progress?.total > 0 ? progress.done / progress.total : null;
      bar.classList.toggle('still', share === null);
      setProperty(bar, 'value', share ?? 0);
      setText(figures, share === null ? '' : progressText(progress));
    },
  };
}

/** "Provision: succeeded" */
export function endText(job) {
  return t('wall.job', {kind: tWord('kind', job.kind), what: tWord('state', job.state)});
}

/** How the last job ended. */
function endOf(job) {
  if (!job) return h('p', {class: 'quiet'}, t('wall.no_job'));
  return [h('p', {}, h('a', {class: 'what', href: link`/jobs/${job.id}`}, endText(job)), ' ',
    h('span', {class: 'quiet'}, time(job.finished_at))),
  job.error ? h('div', {class: 'why'}, sentences(job.error), ownWords(job.error)) : null];
}
