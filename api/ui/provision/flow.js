// The wizard's state and what follows from it: which credential goes to which slot, what stands in the way, what is
// ordered. Pure: it knows neither the page nor the service, so node can test it alone.

export const STEPS = ['credentials', 'slots', 'run'];

export function begin() {
  return {
    step: 'credentials',
    source: 'files', // 'files', 'stored', or 'cloud': each board gets one of its own
    files: [], // [{name, blob}], in the order in which they are sent
    refused: [], // [{name, size, reason}]
    password: '',
    inspection: null, // what the service said of `sent`, or null
    asking: false, // is it being asked?
    problem: null, // why it could not be
    sent: [], // files of that inspection: `part` counts them
    allow: [], // failed checks that the operator takes on himself
    stored: [], // stored credentials that were chosen
    cloud: '', // name of a cloud; '' is the profile's own
    chosen: null, // names of slots; null: as many as are needed
    picked: false, // did the operator choose them?
    byHand: {}, // slot → key of the credential that was chosen there, '' for none
    settings: {}, // what is typed: profile, wifi, mqtt, check …, as a job's order has them
    rows: [], // of the batch that goes; see startBatch()
    uploads: {}, // key of a credential → {key: Idempotency-Key, duplicate, id, storing}
    done: [], // keys of credentials that are on a board
  };
}

/** What can be put on a board: [{key, title, mac, id, files, usable}]; id: of the stored one, else files to store. */
export function credentialsOf(state) {
  if (state.source === 'stored') {
    return state.stored.map((one) => ({key: one.id, title: one.common_name ?? one.subject, mac: macIn(one.common_name),
      id: one.id, files: [], usable: one.key_purged_at === null}));
  }
  if (state.source !== 'files' || state.inspection === null) return [];
  const {files, sets} = state.inspection;
  return sets.map((set) => ({key: set.fingerprint_sha256, title: set.common_name ?? set.fingerprint_sha256.slice(0, 16),
    mac: set.mac, id: set.earlier, files: [...new Set(set.files.map((index) => state.sent[files[index].part]))],
    usable: set.valid || set.earlier !== null}));
}

/** Those that still wait for a board: neither on one, nor on their way. */
export function waiting(state) {
  const isGoing = (row) => row.credential !== null && !hasEnded(row);
  const gone = [...onBoards(state), ...state.rows.filter(isGoing).map((row) => row.credential.key)];
  return credentialsOf(state).filter((one) => one.usable && !gone.includes(one.key));
}

/** Keys of those that are on a board by now. */
export function onBoards(state) {
  const good = state.rows.filter((row) => row.credential !== null && row.job?.state === 'succeeded');
  return [...state.done, ...good.map((row) => row.credential.key)];
}

/** Twelve hexadecimal digits in a name, in pairs with or without separators, as a MAC; else null. */
export function macIn(name) {
  const found = /(?<![0-9a-f])([0-9a-f]{2}(?:[:_.-]?[0-9a-f]{2}){5})(?![0-9a-f])/i.exec(name ?? '');
  return found ? found[1].replace(/[^0-9a-f]/gi, '').toLowerCase().match(/../g).join(':') : null;
}

/** May the operator go to this step? */
export function mayEnter(state, step) {
  if (step === 'credentials') return true;
  if (step === 'run') return state.rows.length > 0;
  return state.source === 'cloud' || waiting(state).length > 0;
}

/** Slots that take part: those that were chosen and are still there; null: as many free ones as are needed. */
export function chosenSlots(state, slots) {
  const all = [...slots.values()];
  if (state.chosen !== null) return all.filter((slot) => state.chosen.includes(slot.name));
  const free = all.filter((slot) => slot.state === 'idle' && slot.hold === null);
  if (state.source === 'cloud') return free.length === 1 ? free : [];
  const credentials = waiting(state);
  const named = all.filter((slot) => slot.board && credentials.some((one) => one.mac === slot.board.mac));
  const others = free.filter((slot) => !named.includes(slot));
  return [...named, ...others.slice(0, Math.max(0, credentials.length - named.length))];
}

/** slot name → credential or null, for the slots that take part. What was chosen by hand stays; a credential that names
 *  a board goes where this board sits and nowhere else; the others go in order. */
export function assign(state, slots) {
  const taking = chosenSlots(state, slots);
  const credentials = waiting(state);
  const found = new Map(taking.map((slot) => [slot.name, null]));
  const free = new Set(credentials);
  const give = (slot, one) => {
    found.set(slot.name, one);
    free.delete(one);
  };
  const open = [];
  for (const slot of taking) {
    const wanted = state.byHand[slot.name];
    const one = credentials.find((each) => each.key === wanted);
    if (one) give(slot, one);
    else if (wanted !== '') open.push(slot);
  }
  const isAt = (one, slot) => one.mac !== null && one.mac === slot.board?.mac;
  for (const slot of open) {
    const one = [...free].find((each) => isAt(each, slot));
    if (one) give(slot, one);
  }
  const sits = (one) => [...slots.values()].some((slot) => isAt(one, slot));
  for (const slot of open.filter((each) => found.get(each.name) === null)) {
    const one = [...free].find((each) => each.mac === null || (!slot.board && !sits(each)));
    if (one) give(slot, one);
  }
  return found;
}

/** What is to be said of a slot that takes part: [{word, stop}]; with stop it cannot go.
 *  @param assigned  of assign() */
export function remarks(state, slot, assigned) {
  const said = [];
  const say = (word, stop = false) => said.push({word, stop});
  const one = assigned.get(slot.name);
  if (state.source !== 'cloud') {
    const same = [...assigned.values()].filter((each) => each !== null && each === one).length;
    if (!one) say('no_credential', true);
    else if (same > 1) say('twice');
    if (one?.mac && slot.board && one.mac !== slot.board.mac) say('other_board');
  }
  if (slot.hold?.state === 'paused') say('paused');
  else if (slot.hold) say('draining', true);
  if (slot.state === 'absent') say('absent');
  if (slot.state === 'busy' || slot.queued > 0) say('busy');
  return said;
}

/** Credentials that no slot has. */
export function leftOver(state, assigned) {
  const used = [...assigned.values()].map((one) => one?.key);
  return waiting(state).filter((one) => !used.includes(one.key));
}

/** The body of POST /v1/jobs, without its credential. With a profile, Wi-Fi and broker are the profile's. */
export function orderOf(state, slotName) {
  const {profile, wifi, mqtt, time, ...options} = state.settings;
  if (!options.target?.kind) delete options.target; // its index alone says nothing
  const order = {kind: 'provision', slot: slotName, ...options};
  if (profile) order.profile = profile;
  else Object.assign(order, wifi && {wifi}, mqtt && {mqtt}, time && {time});
  if (state.source === 'cloud' && state.cloud !== '') order.cloud = state.cloud;
  return order;
}

/** A batch begins, behind what still goes. It has a row a slot; phase: 'waiting' → 'sending' → 'sent' with a job, or
 *  'refused' with a problem.
 *  @param newKey  makes an Idempotency-Key: each row keeps its own, so that it can be sent again without harm */
export function startBatch(state, assigned, newKey) {
  const fresh = [...assigned].map(([slot, one]) => ({slot, credential: one, order: orderOf(state, slot), key: newKey(),
    phase: 'waiting', job: null, problem: null, retryKey: null}));
  return {...state, done: onBoards(state), rows: [...state.rows.filter((row) => !hasEnded(row)), ...fresh]};
}

/** Is there nothing more to wait for? */
export function hasEnded(row) {
  return row.phase === 'refused' || (row.phase === 'sent' && row.job.finished_at !== null);
}

/** The batch is over: what is on a board is done, the rest can go again; profile, slots and root CAs stay. */
export function nextBatch(state) {
  const next = {...state, done: onBoards(state), rows: [], byHand: {},
    chosen: [...new Set(state.rows.map((row) => row.slot))], picked: true};
  if (next.source === 'cloud' || waiting(next).length > 0) return {...next, step: 'slots'};
  return {...next, step: 'credentials', files: rootFiles(state), stored: [], password: '', inspection: null, allow: [],
    refused: []};
}

/** Files that hold nothing but CA certificates: the next boards need them as well. */
function rootFiles({files, sent, inspection}) {
  const isRoot = (file) => {
    const told = (inspection?.files ?? []).filter((each) => sent[each.part] === file).flatMap((each) => each.contents);
    return told.length > 0 && told.every((content) => content.kind === 'ca_certificate');
  };
  return files.filter(isRoot);
}
