// Why a check failed, or that it did not: who is to be looked at, what speaks for it, and what else was found.
import {h} from '../dom.js';
import {facts, warningBox} from '../parts.js';
import {addWords, t, tWord} from '../text.js';
import words from '../words/job_verdict.js';

addWords(words);

/** @param verdict  of a job's result. What is wrong and its fix are the job's error, and shown as that. */
export function verdictCard(verdict) {
  const works = verdict.code === 'works';
  const evidence = evidenceOf(verdict.evidence);
  const log = verdict.evidence.log ?? [];
  return h('section', {class: 'card'},
    h('h2', {}, t('verdict.title'), ' ', sideBadge(verdict.side, works ? 'good' : 'bad')),
    h('p', {}, t(works ? 'core.works' : `verdict.side.${verdict.side}`)),
    verdict.warnings.length ? [h('h3', {}, t('verdict.warnings')), verdict.warnings.map(findingBox)] : null,
    evidence.length ? h('details', {}, h('summary', {}, t('verdict.evidence')), facts(evidence),
      log.length ? [h('h3', {}, t('verdict.log')), h('pre', {class: 'said'}, log.join('\n'))] : null) : null);
}

function sideBadge(side, style) {
  return h('span', {class: `badge ${style}`}, tWord('side', side));
}

/** What was found besides, and what to do about it. */
export function findingBox({code, detail, fix, side}) {
  return warningBox({code, detail, hint: fix}, sideBadge(side, 'warn'));
}

/** Pairs for facts(), in the order in which one would ask. */
function evidenceOf({board = {}, network = {}, clock, stored = {}, host, cloud = {}}) {
  const probe = (value) => (value ? tWord('probe', value) : null);
  const kept = (value) => (value ? tWord('stored', value) : null);
  return [
    [t('ev.board_code'), board.code ? h('code', {}, board.code) : null],
    [t('ev.board_said'), board.said ? h('pre', {class: 'said'}, board.said) : null],
    [t('ev.board'), ['dropped', 'hangs', 'wifi_lost'].filter((what) => board[what]).map((what) => t(`ev.${what}`))
      .join(' ')],
    [t('ev.urc'), board.urc_ms === undefined ? null : `${board.urc_ms} ms`],
    [t('ev.idle'), board.idle_connection ? tWord('idle', board.idle_connection) : null],
    [t('ev.dns'), [probe(network.dns), network.address].filter(Boolean).join(' · ')],
    [t('ev.tcp'), probe(network.tcp)],
    [t('ev.time_server'), probe(network.time_server_dns)],
    [t('ev.clock'), clock ? clockText(clock) : null],
    [t('ev.certificate'), kept(stored.certificate)],
    [t('ev.private_key'), kept(stored.private_key)],
    [t('ev.root_ca'), kept(stored.root_ca)],
    [t('ev.elsewhere'), stored.elsewhere],
    [t('ev.key'), stored.key_mismatch ? t('ev.key_mismatch') : null],
    [t('ev.host'), host ? hostText(host) : null],
    ...cloudFacts(cloud),
  ].filter(([, value]) => value);
}

function clockText({set, ahead_of_host_s: ahead}) {
  if (!set) return t('ev.clock_not_set');
  if (!ahead) return t('ev.clock_right');
  return t(ahead > 0 ? 'ev.clock_ahead' : 'ev.clock_behind', {s: Math.abs(ahead)});
}

function hostText({ok, code, detail, credential, name_differs: nameDiffers, wants_alpn: wantsAlpn}) {
  const whose = t(credential === 'of the board' ? 'ev.host_of_board' : 'ev.host_of_job');
  return [ok ? t('ev.host_ok') : t('ev.host_failed'), ' ', whose, ' ', nameDiffers ? [t('ev.host_name'), ' '] : null,
    wantsAlpn ? [t('ev.host_alpn'), ' '] : null, detail ? h('span', {lang: 'en'}, detail, ' ') : null,
    code ? h('code', {}, code) : null];
}

function cloudFacts({certificate, policies, things, authorization, not_asked: notAsked, https}) {
  const named = (text) => (text === undefined ? null : text || t('ev.nothing'));
  const answer = https && [https.status, https.error, https.message, https.why].filter(Boolean).join(' · ');
  return [
    [t('ev.cloud_certificate'), certificate],
    [t('ev.cloud_policies'), named(policies)],
    [t('ev.cloud_things'), named(things)],
    [t('ev.cloud_may'), Object.entries(authorization ?? {}).map(([action, may]) => `${action}: ${may}`).join(' · ')],
    [t('ev.cloud_not_asked'), notAsked ? h('span', {lang: 'en'}, notAsked) : null],
    [t('ev.cloud_https'), answer ? h('span', {lang: 'en'}, answer) : null],
  ];
}
