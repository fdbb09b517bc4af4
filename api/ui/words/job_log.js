// Words of a job's transcript.
export default {
  en: {
    'log.title': 'What passed on the wire', 'log.about': 'Keys and passwords are not in it: only how long they were.',
    'log.port': 'Port', 'log.all_ports': 'all', 'log.port_at': 'AT', 'log.port_download': 'download',
    'log.view': 'View', 'log.view_auto': 'text where it is text', 'log.view_text': 'text', 'log.view_hex': 'bytes',
    'log.search': 'Search', 'log.previous': 'Previous', 'log.next': 'Next', 'log.found': '{at} of {n}',
    'log.not_found': 'Not found', 'log.save': 'Download', 'log.none': 'Nothing has passed yet.',
    'log.rows': 'Rows {from} to {to} of {n}', 'log.first': 'First rows', 'log.before': 'Rows before',
    'log.after': 'Rows after', 'log.last': 'Last rows', 'log.ms': 'ms', 'log.who': 'From', 'log.host': 'espgate →',
    'log.board': '← board', 'log.espgate': 'remark', 'log.what': 'What', 'log.secret': '••• {n} byte|••• {n} bytes',
  },
  zh: {
    'log.title': '串口记录', 'log.about': '其中不含私钥和密码，只显示其长度。', 'log.port': '串口', 'log.all_ports': '全部', 'log.port_at': 'AT',
    'log.port_download': '下载', 'log.view': '显示方式', 'log.view_auto': '自动', 'log.view_text': '文本', 'log.view_hex': '字节',
    'log.search': '查找', 'log.previous': '上一个', 'log.next': '下一个', 'log.found': '第 {at} 个，共 {n} 个',
    'log.not_found': '未找到', 'log.save': '下载', 'log.none': '尚无内容。', 'log.rows': '第 {from} 至 {to} 行，共 {n} 行',
    'log.first': '最前', 'log.before': '前一页', 'log.after': '后一页', 'log.last': '最后', 'log.ms': '毫秒', 'log.who': '来源',
    'log.host': 'espgate →', 'log.board': '← 开发板', 'log.espgate': '备注', 'log.what': '内容', 'log.secret': '••• {n} 字节',
  },
};
