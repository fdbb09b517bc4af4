// A batch goes to the service: credentials that are not stored yet are, and each slot gets its job. Everything has its
// own Idempotency-Key, kept until it was answered: sent again after a lost answer or a restart, nothing is made twice.
import {call, create, newKey, query, url} from '../api.js';
import {formOf} from './inspect.js';

const AT_A_TIME = 4; // a browser has six connections to a host, and the event stream is one of them

/** Send the rows that have not been taken on. @param changed  called with each row that has changed */
export async function sendRows(wizard, changed) {
  const left = wizard.rows.filter((row) => row.phase === 'waiting' || row.phase === 'refused');
  for (const row of left) setPhase(row, 'waiting', null, changed);
  const work = async () => {
    for (let row = left.shift(); row; row = left.shift()) {
      if (row.phase === 'waiting') await sendRow(wizard, row, changed); // else who came back to the page has sent it
    }
  };
  await Promise.all(Array.from({length: AT_A_TIME}, work));
}

/** Is the answer of the service still out, so that sending once more may do? */
export function isUnanswered(row) {
  return row.phase === 'refused' && row.problem.status === 0;
}

export async function sendRow(wizard, row, changed) {
  setPhase(row, 'sending', null, changed);
  try {
    const order = {...row.order};
    if (row.credential) order.credential = await storedId(wizard, row.credential);
    row.job = await create('/v1/jobs', order, {key: row.key});
    setPhase(row, 'sent', null, changed);
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    if (problem.code === 'credential_not_found') delete wizard.uploads[row.credential?.key]; // it was deleted since
    setPhase(row, 'refused', problem, changed);
  }
}

/** Take this credential although its key is stored with another certificate: a renewal. */
export function allowDuplicateKey(wizard, row) {
  wizard.uploads[row.credential.key].duplicate = true;
}

/** A new job with the order of the one that has ended. */
export async function retryRow(row, changed) {
  row.retryKey ??= newKey();
  row.problem = null;
  try {
    row.job = await create(url`/v1/jobs/${row.job.id}/retry`, undefined, {key: row.retryKey});
    row.retryKey = null;
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    row.problem = problem;
  }
  changed(row);
}

function setPhase(row, phase, problem, changed) {
  Object.assign(row, {phase, problem});
  changed(row);
}

/** The id of a row's credential; two rows with the same one store it once. */
async function storedId(wizard, one) {
  if (one.id !== null) return one.id;
  const upload = wizard.uploads[one.key] ??= {key: newKey(), duplicate: false, id: null, storing: null};
  upload.storing ??= store(wizard, one, upload).finally(() => { upload.storing = null; });
  upload.id ??= await upload.storing;
  return upload.id;
}

/** Its files may hold others' too: the fingerprint says which is meant. */
async function store(wizard, one, upload) {
  if (upload.id !== null) return upload.id;
  const allow = [...wizard.allow, ...(upload.duplicate ? ['duplicate_key'] : [])].join(',');
  try {
    const path = '/v1/credentials' + query({certificate: one.key, allow});
    const form = formOf(one.files, wizard.password);
    const {data} = await call('POST', path, {form, headers: {'Idempotency-Key': upload.key}});
    return data.id;
  } catch (problem) {
    if (problem.code === 'credential_exists') return problem.earlier; // somebody was faster: it is the same certificate
    throw problem;
  }
}
