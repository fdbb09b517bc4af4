// Words of the list of boards, and of the page of one.
export default {
  en: {
    'devices.search': 'Search', 'devices.example': 'MAC, chip, credential, common name, slot, thing',
    'devices.csv': 'Download as CSV', 'devices.none': 'No board was seen yet. The first job makes the first record.',
    'devices.not_found': 'No board fits. A part of its MAC is enough, with or without colons.', 'devices.chip': 'Chip',
    'devices.outcome': 'Last job', 'devices.slot': 'Slot', 'devices.credential': 'Credential',
    'devices.first_seen': 'First seen', 'devices.last_seen': 'Last seen',
    'devices.none_such': 'There is no record of this board', 'devices.all': 'All devices',
    'devices.no_credential': 'none was written from here', 'devices.fingerprint': 'Certificate’s SHA-256',
    'devices.history': 'History', 'devices.at': 'When', 'devices.ended': 'Outcome', 'devices.what': 'What was done',
    'devices.method': 'Way', 'devices.no_history': 'Nothing was done to it yet.',
  },
  zh: {
    'devices.search': '搜索', 'devices.example': 'MAC、芯片、凭证、通用名、工位、物品', 'devices.csv': '下载 CSV',
    'devices.none': '尚无设备记录。第一个任务会创建第一条记录。', 'devices.not_found': '没有符合的设备。输入 MAC 的一部分即可，冒号可省略。', 'devices.chip': '芯片',
    'devices.outcome': '最近任务', 'devices.slot': '工位', 'devices.credential': '凭证', 'devices.first_seen': '首次出现',
    'devices.last_seen': '最近出现',
    'devices.none_such': '没有此设备的记录', 'devices.all': '全部设备', 'devices.no_credential': '未从此处写入凭证',
    'devices.fingerprint': '证书 SHA-256', 'devices.history': '历史', 'devices.at': '时间', 'devices.ended': '结果',
    'devices.what': '执行内容', 'devices.method': '方式', 'devices.no_history': '尚无操作记录。',
  },
};
