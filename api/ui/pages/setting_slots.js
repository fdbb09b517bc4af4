// Slots: which ports are one place on the bench.
import {get} from '../api.js';
import {h} from '../dom.js';
import {badge} from '../parts.js';
import {link} from '../router.js';
import {t} from '../text.js';

const RESETS = ['auto', 'tight', 'classic', 'usb-jtag', 'none'];
const BAUDS = ['115200', '230400', '460800', '921600', '1500000', '2000000'].map((baud) => [baud, baud]);
const SETTINGS = ['download_port', 'at_port', 'reset', 'download_baud', 'flash_baud', 'at_baud'];

export default {
  scope: 'engineer', reads: 'viewer', key: 'name', pages: false,
  keeps: (slot) => slot.implicit,
  columns: () => [
    {title: t('settings.name'), cell: (slot) => h('a', {href: link`/slots/${slot.name}`}, slot.name)},
    {title: t('slots.download_port'), cell: (slot) => h('code', {}, slot.download_port ?? '–')},
    {title: t('slots.at_port'), cell: (slot) => h('code', {}, slot.at_port ?? '–')},
    {title: t('slots.reset'), cell: (slot) => tReset(slot.reset)},
    {title: t('slots.state'), cell: (slot) => [badge('slot', slot.state), slot.implicit ? [' ', h('span', {class: 'quiet'},
      t('slots.implicit'))] : null]},
  ],
  settingsOf: (slot) => Object.fromEntries(SETTINGS.filter((name) => slot[name] !== null).map((name) => [name, slot[name]])),
  async fields(slot) {
    const ports = (await get('/v1/ports')).items.map((port) => [port.path, [port.device, port.usb?.product ?? port.bridge,
      port.usb?.serial, port.slot && t('slots.of', {slot: port.slot})].filter(Boolean).join(' · ')]);
    return [
      {name: 'download_port', label: t('slots.download_port'), type: 'datalist', options: ports, value: slot.download_port,
        help: t('slots.download_help')},
      {name: 'at_port', label: t('slots.at_port'), type: 'datalist', options: ports, value: slot.at_port, help: t('slots.at_help')},
      {name: 'reset', label: t('slots.reset'), type: 'datalist', options: RESETS.map((name) => [name, tReset(name)]),
        value: slot.reset ?? 'auto', help: t('slots.reset_help', {steps: 'D0|R1|W0.1|D1|R0'})},
      {group: t('slots.speeds'), fields: [
        bauds('download_baud', slot), bauds('flash_baud', slot), bauds('at_baud', slot),
      ]},
    ];
  },
};

function bauds(name, slot) {
  return {name, label: t(`slots.${name}`), type: 'datalist', options: BAUDS, value: slot[name], inputmode: 'numeric', pattern: '\\d+',
    parse: Number, help: t(`slots.${name}_help`)};
}

function tReset(reset) {
  return RESETS.includes(reset) ? t(`slots.reset_${reset}`) : reset;
}
