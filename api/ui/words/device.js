// Words of the page of one board.
export default {
  en: {
    'device.none': 'There is no record of this board', 'device.all': 'All devices', 'device.chip': 'Chip',
    'device.slot': 'Slot', 'device.credential': 'Credential', 'device.no_credential': 'none was written from here',
    'device.fingerprint': 'Certificate’s SHA-256', 'device.first_seen': 'First seen', 'device.last_seen': 'Last seen',
    'device.history': 'History', 'device.at': 'When', 'device.outcome': 'Outcome', 'device.what': 'What was done',
    'device.method': 'Way', 'device.no_history': 'Nothing was done to it yet.',
  },
  zh: {
    'device.none': '没有此设备的记录', 'device.all': '全部设备', 'device.chip': '芯片', 'device.slot': '工位',
    'device.credential': '凭证', 'device.no_credential': '未从此处写入凭证', 'device.fingerprint': '证书 SHA-256',
    'device.first_seen': '首次出现', 'device.last_seen': '最近出现', 'device.history': '历史', 'device.at': '时间',
    'device.outcome': '结果', 'device.what': '执行内容', 'device.method': '方式', 'device.no_history': '尚无操作记录。',
  },
};
