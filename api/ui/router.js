// Which page the address means: #/jobs/job_x. A page is a module with show(page); it is loaded when it is asked for
// first.
import {ownProblem, query} from './api.js';
import {t} from './text.js';

/** @p routes  [{path: '/jobs/:id', load: () => import(…)}]
 *  @return {route, params, query}; route null: there is no such page. Pure. */
export function matchRoute(routes, hash) {
  const [path, search = ''] = hash.replace(/^#/, '').split('?');
  const parts = (path || '/').split('/').map(decode);
  for (const route of routes) {
    const wanted = route.path.split('/');
    if (wanted.length !== parts.length) continue;
    if (!wanted.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : part === parts[i]))) continue;
    const params = Object.fromEntries(wanted.map((part, i) => [part.slice(1), parts[i]]).filter((_, i) =>
      wanted[i].startsWith(':')));
    return {route, params, query: Object.fromEntries(new URLSearchParams(search))};
  }
  return {route: null, params: {}, query: {}};
}

/** What an address that means no page is answered with. */
export function noSuchPage() {
  return ownProblem('no_such_page', t('core.no_page'), t('core.no_page_hint'));
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}

/** An address of a page: link`/jobs/${id}`. Colons stay: it is a MAC that people read there. */
export function link(parts, ...values) {
  return '#' + parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]).replaceAll('%3A', ':') + part);
}

/** The address of this page with what is chosen on it, without showing the page anew: it can be kept, and Back finds
 *  it. */
export function keepInAddress(address, values) {
  history.replaceState(null, '', address + query(values));
}

export function go(address) {
  location.hash = address.replace(/^#/, '');
}
