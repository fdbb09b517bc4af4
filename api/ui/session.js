// Who sits here. The token lives in this tab's session and nowhere else: closing the tab forgets it.
import {get, useToken} from './api.js';

const KEPT_AS = 'espgate.token';
export const SCOPES = ['viewer', 'operator', 'engineer', 'admin'];

/** What GET /v1/me said; null: nobody. */
export let me = null;
/** What pages keep as long as the same person sits here, by the page's name. A token that has ended loses nothing of
 *  it: whoever signs in under the same name goes on. */
export const kept = new Map();
let onLost = () => {};
let lastName = null;

/** @param lost  called with the Problem when the service takes the token no longer */
export function watchSession(lost) {
  onLost = lost;
}

/** Sign in by what this tab knows: a token, a client certificate, or that none is asked for. Throws the Problem. */
export function resume() {
  return enter(sessionStorage.getItem(KEPT_AS));
}

export async function signIn(text) {
  await enter(text);
  sessionStorage.setItem(KEPT_AS, text);
}

/** Whoever sits here next finds nothing of this one in the tab. */
export function signOut() {
  leave();
  kept.clear();
  for (const name of Object.keys(sessionStorage)) if (name.startsWith('espgate.')) sessionStorage.removeItem(name);
}

function leave() {
  sessionStorage.removeItem(KEPT_AS);
  useToken(null, () => {});
  me = null;
}

/** Ask again: the service may be another one since it came back. */
export async function refresh() {
  const before = me;
  const now = await get('/v1/me');
  if (me === before) me = now; // else who asked has signed out meanwhile
}

/** Does the scope of this session hold @p scope? */
export function can(scope) {
  return me !== null && SCOPES.indexOf(me.scope) >= SCOPES.indexOf(scope);
}

/** Is the service's dashboard another one than this page? */
export function isOlderThanService() {
  return me !== null && me.ui !== document.querySelector('meta[name=espgate-ui]').content;
}

async function enter(text) {
  useToken(text, () => {}); // a wrong token is told by what throws
  await refresh();
  if (me.name !== lastName) kept.clear();
  lastName = me.name;
  useToken(text, (problem) => {
    leave();
    onLost(problem);
  });
}
