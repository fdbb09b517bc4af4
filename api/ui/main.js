// The dashboard begins here: language, who sits here, and then the page that the address names.
import {ownProblem} from './api.js';
import {connection, startBench, stopBench, watchBench} from './bench.js';
import {fill} from './dom.js';
import {heading, problemBox} from './parts.js';
import {go, matchRoute, noSuchPage} from './router.js';
import {me, refresh, resume, signOut, watchSession} from './session.js';
import {buildShell, setTitle, startTheme} from './shell.js';
import {addWords, setLanguage, startLanguage, t} from './text.js';
import core from './words/core.js';
import * as wall from './pages/wall.js';
import {showSignIn} from './sign_in.js';

const ROUTES = [
  {path: '/', load: async () => wall}, // what most come for is there at once; the others when they are asked for
  {path: '/slots/:name', load: () => import('./pages/slot.js')},
  {path: '/provision', load: () => import('./pages/provision.js')},
  {path: '/jobs', load: () => import('./pages/jobs.js')},
  {path: '/jobs/:id', load: () => import('./pages/job.js')},
  {path: '/devices', load: () => import('./pages/devices.js')},
  {path: '/devices/:mac', load: () => import('./pages/device.js')},
  {path: '/credentials', load: () => import('./pages/credentials.js')},
  {path: '/firmware', load: () => import('./pages/firmware.js')},
  {path: '/settings/:kind', load: () => import('./pages/settings.js')},
  {path: '/audit', load: () => import('./pages/audit.js')},
];

let shell = null;
let leaving = null; // aborts what the page that is left still does
let shown = 0;
let refused = null; // why nobody sits here

function rebuild() {
  shell?.stop();
  shell = buildShell({language: async (name) => {
    localStorage.setItem('espgate.language', name);
    await setLanguage(name);
    if (!me) return showDoor(refused);
    rebuild();
    return showPage();
  }, signOut: () => {
    signOut();
    stopBench();
    showDoor(null);
  }});
}

/** Nobody sits here: ask who it is. @param problem  why, or null */
function showDoor(problem) {
  refused = problem;
  leaving?.abort();
  shown++;
  rebuild();
  setTitle(t('signin.title'));
  showSignIn(shell.main, problem, enter);
}

async function enter() {
  rebuild();
  startBench();
  await showPage();
}

/** A page gets {main, params, query, signal, title(text), go(address)}: it fills main, and ends what it began when
 *  signal aborts. go() does nothing then: who is on another page by now stays there. */
async function showPage() {
  if (!me) return;
  const turn = ++shown;
  leaving?.abort();
  leaving = new AbortController();
  const {route, params, query} = matchRoute(ROUTES, location.hash);
  const main = document.createElement('div');
  const {signal} = leaving;
  const page = {main, params, query, signal, title: setTitle, go: (address) => signal.aborted || go(address)};
  shell.place(location.hash);
  try {
    if (!route) throw noSuchPage();
    const module = await route.load().catch(() => {
      throw ownProblem('page_not_loaded', t('core.no_module'), t('core.no_module_hint'));
    });
    await module.show(page);
  } catch (problem) {
    if (signal.aborted || !me) return;
    if (problem.code === undefined) throw problem;
    fill(main, heading(t('core.not_shown')), problemBox(problem));
    setTitle(t('core.not_shown'));
  }
  if (turn !== shown) return; // the reader was faster
  fill(shell.main, main);
  window.scrollTo(0, 0);
  main.querySelector('h1')?.focus({preventScroll: true});
}

/** The service came back: it may be another one, and this token may no longer be good. */
let wasLost = false;
async function watchReturn() {
  const returned = wasLost && connection.state === 'live';
  wasLost = connection.state === 'lost';
  if (!returned) return;
  await refresh().catch(() => {});
  shell.showConnection();
}

async function start() {
  addWords(core);
  startTheme();
  await startLanguage();
  watchSession((problem) => {
    stopBench();
    showDoor(problem);
  });
  watchBench(watchReturn);
  window.addEventListener('hashchange', showPage);
  // While the service says who this is, the page that is wanted comes; what fails here is told when it is shown.
  matchRoute(ROUTES, location.hash).route?.load().catch(() => {});
  try {
    await resume();
  } catch (problem) {
    if (problem.code === undefined) throw problem;
    showDoor(problem);
    return;
  }
  await enter();
}

start();
