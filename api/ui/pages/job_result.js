// What the steps of a job found out and did, a card for each kind of thing.
import {del, get, url} from '../api.js';
import {askingButton} from '../ask.js';
import {restoreButton} from '../backups.js';
import {fill, h} from '../dom.js';
import {actionButton, facts, saveFile, table, time, warningBox} from '../parts.js';
import {can} from '../session.js';
import {addWords, formatBytes, formatDuration, t, tWord, yesNo} from '../text.js';
import words from '../words/job_result.js';

addWords(words);

/** @param job  its result may be null, or have some of its parts */
export function resultCards(job, page) {
  const {result} = job;
  if (result === null) return [];
  return [warnings(result), consoleCard(result), boardCard(result), writeCard(result), backupsCard(job, page),
    readCard(job, page), eraseCard(result), bootCard(result), networkCard(result), cloudCard(result)];
}

const hex = (n) => h('code', {}, `0x${n.toString(16)}`);
const code = (text) => (text ? h('code', {}, text) : null);
const joined = (...parts) => parts.filter(Boolean).join(' · ');
const known = (value) => (value === undefined ? null : yesNo(value));

function card(title, ...content) {
  return h('section', {class: 'card'}, h('h2', {}, title), content);
}

function warnings({warnings: all}) {
  if (!all?.length) return null;
  return card(t('result.warnings'), all.map((one) => warningBox(one)));
}

function boardCard({board, layout, firmware}) {
  if (!board && !layout && !firmware) return null;
  const {security} = board ?? {};
  return card(t('result.board'), facts([
    [t('result.chip'), joined(board?.title || board?.chip, board?.revision)],
    [t('result.mac'), code(board?.mac)],
    [t('result.flash'), joined(board?.flash_bytes && formatBytes(board.flash_bytes), board?.flash_id)],
    [t('result.crystal'), board?.crystal_mhz ? `${board.crystal_mhz} MHz` : null],
    [t('result.firmware'), firmware === null ? t('result.no_firmware') : firmware?.bin_version],
    [t('result.module'), firmware?.module], [t('result.at_version'), firmware?.at_version],
    [t('result.sdk_version'), firmware?.sdk_version],
    [t('result.layout'), layout ? tWord('layout', layout.kind) : null],
    [t('result.credentials_of'), layout?.kinds.join(', ')],
    [t('result.secure_boot'), known(security?.secure_boot)],
    [t('result.flash_encryption'), known(security?.flash_encryption)],
    [t('result.secure_download'), known(security?.secure_download)],
  ]), layout?.partitions.length ? h('details', {}, h('summary', {}, t('result.partitions')),
    rangeTable(t('result.partitions'), layout.partitions)) : null);
}

/** Of places in flash or values of an NVS, with their size and perhaps their digest. */
function rangeTable(caption, items) {
  const columns = [
    {title: t('result.partition'), cell: (item) => item.partition ?? item.name ?? '–'},
    {title: t('result.offset'), cell: ({offset, namespace, key}) => (offset === undefined ? `${namespace}/${key}`
      : hex(offset))},
    {title: t('result.size'), cell: (item) => formatBytes(item.size)},
  ];
  const digest = {title: 'SHA-256', cell: (item) => h('code', {class: 'digest'}, item.sha256)};
  return table(caption, items.some((item) => item.sha256) ? [...columns, digest] : columns, items).node;
}

const placeFacts = ({partition, offset, size}) => [
  [t('result.partition'), partition], [t('result.offset'), hex(offset)], [t('result.size'), formatBytes(size)],
];

/** What the transfer took; of a write, a read or an erase. */
function wireFacts(done) {
  const {written_bytes: written, ms} = done;
  const rate = done.bytes_per_second ?? (written && ms ? Math.round((1000 * written) / ms) : 0);
  return [
    [t('result.took'), done.ms === undefined ? null : formatDuration(done.ms)],
    [t('result.rate'), rate ? `${formatBytes(rate)}/s` : null],
    [t('result.baud'), done.baud ? `${done.baud} baud` : null],
    [t('result.slowdowns'), done.slowdowns || null], [t('result.retries'), done.retries || null],
    [t('result.wire'), done.bytes_in === undefined ? null : t('result.out_in', {out: formatBytes(done.bytes_out),
      in: formatBytes(done.bytes_in)})],
  ];
}

function writeCard({write, images, flash, target, key_purged: purged, restore}) {
  if (!write && !images && !flash) return null;
  return card(t('result.write'), facts([
    [t('result.credential_of'), target ? `${target.kind} ${target.index ?? ''}` : null],
    [t('result.flashed'), flash?.firmware.map(firmwareLink)],
    [t('result.restored'), restore ? [restore.partition, ' · ', time(restore.created_at)] : null],
    [t('result.method'), write ? tWord('method', write.method) : null],
    [t('result.what'), write?.identical ? t('result.identical') : null],
    [t('result.proved'), known(write?.verified)],
    [t('result.written'), write?.written_bytes === undefined ? null : formatBytes(write.written_bytes)],
    [t('result.erased'), write?.erased_bytes === undefined ? null : formatBytes(write.erased_bytes)],
    [t('result.skipped'), write?.skipped_bytes ? formatBytes(write.skipped_bytes) : null],
    [t('result.pieces'), write?.pieces_total ? `${write.pieces_done} / ${write.pieces_total}` : null],
    [t('result.key_purged'), purged ? yesNo(true) : null],
    ...wireFacts(write ?? {}),
  ]),
  write?.incomplete ? h('p', {class: 'warning'}, t('result.incomplete')) : null,
  write?.not_valid?.length ? rangeTable(t('result.not_valid'), write.not_valid) : null,
  images?.length ? rangeTable(t('result.images'), images) : null);
}

function firmwareLink({id, name}) {
  return h('div', {}, h('a', {href: `#/firmware?id=${id}`}, name));
}

function backupsCard({slot, result: {backups, board}}, page) {
  if (!backups?.length) return null;
  const problemPlace = h('div');
  const items = backups.map((one) => h('li', {}, h('strong', {}, one.partition), hex(one.offset), formatBytes(one.size),
    restoreButton(page, one, board.mac, slot, problemPlace)));
  return card(t('backup.title'), h('p', {class: 'quiet'}, t('result.backups_why')),
    h('ul', {class: 'plain-list'}, items), problemPlace);
}

/** What was read may hold a private key: it is fetched only when it is asked for, by who may. */
function readCard({id, result: {read}}, page) {
  if (!read) return null;
  const problemPlace = h('div');
  const name = `${read.partition ?? `flash-${read.offset.toString(16)}`}.bin`;
  const question = {title: t('result.forget_title'), text: t('result.forget_text')};
  const actions = h('div', {class: 'actions start'},
    actionButton(t('result.save'), 'main', problemPlace, async () => {
      saveFile(name, await get(url`/v1/jobs/${id}/data`, {blob: true, signal: page.signal}));
    }),
    askingButton(t('result.forget'), question, problemPlace, async () => {
      await del(url`/v1/jobs/${id}/data`);
      fill(actions, t('result.forgotten'));
    }));
  return card(t('result.read'), facts([
    ...placeFacts(read), ['SHA-256', code(read.sha256)], ...wireFacts(read),
  ]), h('p', {class: 'quiet'}, t(can('engineer') ? 'result.may_hold_key' : 'result.engineers_only')),
  can('engineer') ? actions : null, problemPlace);
}

function eraseCard({erase}) {
  if (!erase) return null;
  return card(t('result.erase'), facts([
    ...placeFacts(erase), ...wireFacts(erase),
  ]), erase.incomplete ? h('p', {class: 'warning'}, t('result.erase_incomplete')) : null);
}

function bootCard({boot}) {
  if (!boot) return null;
  return card(t('result.boot'), facts([[t('result.heard'), tWord('boot', boot.heard)],
    [t('result.took'), formatDuration(boot.ms)]]));
}

function networkCard({wifi, time: clock, network, mqtt, host_check: host}) {
  if (!wifi && !clock && !network && !mqtt && !host) return null;
  const stages = joined(...Object.entries(host?.stages_ms ?? {}).map(([name, ms]) => `${name} ${ms} ms`));
  return card(t('result.network'), facts([
    ['Wi-Fi', wifi ? joined(wifi.ssid, `${wifi.rssi} dBm`, t('result.channel', {n: wifi.channel})) : null],
    [t('result.access_point'), code(wifi?.bssid)], [t('result.address'), wifi?.ip],
    [t('result.wifi_kept'), known(wifi?.stored_on_board)],
    [t('result.clock'), clock ? [time(clock.board), ' · ', clock.server] : null],
    [t('result.clock_off'), clock ? `${clock.ahead_of_host_s} s` : null],
    [t('result.dns'), joined(network?.address, network?.dns_ms === undefined ? null : `${network.dns_ms} ms`)],
    [t('result.tcp'), network?.tcp_ms === undefined ? null : `${network.tcp_ms} ms`],
    [t('result.broker'), mqtt ? `${mqtt.host}:${mqtt.port}` : null],
    [t('result.client_id'), code(mqtt?.client_id)], [t('result.topic'), code(mqtt?.topic)],
    [t('result.connect'), mqtt ? `${mqtt.connect_ms} ms` : null],
    [t('result.echo'), joined(known(mqtt?.echoed), mqtt?.echo_ms === undefined ? null : `${mqtt.echo_ms} ms`)],
    [t('result.host_stages'), stages], [t('result.host_tls'), joined(host?.tls_version, host?.cipher)],
    [t('result.host_broker'), joined(host?.server_subject, host?.address)],
  ]));
}

function cloudCard({registration}) {
  if (!registration) return null;
  const {cloud, thing, endpoint, certificate, policy, state} = registration;
  return card(t('result.cloud'), facts([
    [t('result.cloud_name'), h('a', {href: '#/settings/clouds'}, cloud)], [t('result.thing'), thing],
    [t('result.registration'), tWord('registration', state)], [t('result.endpoint'), code(endpoint)],
    [t('result.certificate'), code(certificate?.id)], [t('result.policy'), policy],
    [t('result.left'), registration.left.map((one) => [one.kind, one.name].filter(Boolean).join(' ')).join(', ')],
  ]));
}

function consoleCard({lines}) {
  if (!lines) return null;
  return card(t('result.lines'), h('ol', {class: 'console'}, lines.map((line) => h('li', {},
    h('span', {class: `badge ${line.ok ? 'good' : 'bad'}`}, t(line.ok ? 'result.ok' : 'result.not_ok')),
    line.answer.length ? h('pre', {class: 'said'}, line.answer.join('\n')) : null))));
}
