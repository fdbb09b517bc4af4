// Calls of the service. What goes wrong, on the way or there, is a Problem with a stable code.
import {t} from './text.js';

const ANSWER_MS = 30000;
let token = null;
let onUnauthorized = () => {};

/** Who calls from now on; @p refused is called with the Problem when the service takes the token no longer. */
export function useToken(text, refused) {
  token = text;
  onUnauthorized = refused;
}

/** Fields as problem+json has them: status (0: no answer), code, detail, hint, errors, earlier, checks. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.code);
    this.status = status;
    Object.assign(this, body);
  }
}

/** A Problem that this page finds itself: what is and what to do, in the reader's language. */
export function ownProblem(code, detail, hint) {
  return new Problem(0, {code, detail, hint});
}

/** fetch() as whoever sits here. A 401 that comes when somebody else sits here by then is not for him. */
export async function fetchAs(path, options) {
  const caller = token;
  const headers = caller ? {...options.headers, Authorization: `Bearer ${caller}`} : options.headers;
  const response = await fetch(path, {...options, headers, cache: 'no-store', credentials: 'same-origin',
    redirect: 'error'});
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && caller === token) onUnauthorized(problem);
  throw problem;
}

/** {status, etag, link, data}: data is the JSON, or the Blob with options.blob. options: body (JSON), form (FormData),
 *  headers, signal, blob. Uploads may take as long as they take. */
export async function call(method, path, options = {}) {
  const response = await send(method, path, options);
  const data = await answerOf(response, options);
  return {status: response.status, etag: response.headers.get('ETag'), link: response.headers.get('Link'), data};
}

export const get = async (path, options) => (await call('GET', path, options)).data;
export const post = async (path, body, options) => (await call('POST', path, {body, ...options})).data;
export const del = async (path, options) => (await call('DELETE', path, options)).data;

/** A POST that creates: sent again with the same key it is the same thing, so an answer that was lost costs nothing. */
export function create(path, body, options = {}) {
  const key = options.key ?? newKey();
  return post(path, body, {...options, headers: {...options.headers, 'Idempotency-Key': key}});
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A path from text that may have any character: url`/v1/slots/${name}`. */
export function url(parts, ...values) {
  return parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]) + part);
}

/** ?a=1&b=2 of what is neither empty nor null. */
export function query(values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return pairs.length ? `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}` : '';
}

async function send(method, path, {body, form, headers, signal}) {
  const all = body === undefined ? headers : {...headers, 'Content-Type': 'application/json'};
  const limit = form ? [] : [AbortSignal.timeout(ANSWER_MS)];
  try {
    return await fetchAs(path, {
      method, headers: all, body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal: anySignal([signal, ...limit]),
    });
  } catch (error) {
    if (signal?.aborted || error instanceof Problem) throw error; // aborted: the reader has gone to another page
    throw unreachable();
  }
}

async function answerOf(response, {blob, signal}) {
  if (response.status === 204) return null;
  try {
    return await (blob ? response.blob() : response.json());
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(); // it went away in the middle of its answer
  }
}

function anySignal(signals) {
  const all = signals.filter(Boolean);
  return all.length === 0 ? undefined : AbortSignal.any(all);
}

export function unreachable() {
  return ownProblem('unreachable', t('core.unreachable'), t('core.unreachable_hint'));
}

/** What the answer says, also where a proxy answered instead of the service. */
async function problemOf(response) {
  let body = {code: `http_${response.status}`, detail: `${response.status} ${response.statusText}`};
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json')) {
    body = await response.json().catch(() => body); // cut off on the way
  }
  return new Problem(response.status, body);
}
