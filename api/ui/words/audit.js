// Words of the audit.
export default {
  en: {
    'audit.about': 'One entry for each attempt to change something or to see what may hold a key, and one for each '
      + 'job that has ended. Nothing here is ever changed.',
    'audit.actor': 'Who', 'audit.action': 'Action', 'audit.slot': 'Slot', 'audit.mac': 'MAC', 'audit.job': 'Job',
    'audit.outcome': 'Outcome', 'audit.all': 'all', 'audit.none': 'Nothing fits. Choose less above.',
    'audit.at': 'When', 'audit.target': 'What it was about', 'audit.detail': 'Details',
    'audit.repeated': 'answered again', 'audit.entry': 'Entry', 'outcome.done': 'done', 'outcome.refused': 'refused',
  },
  zh: {
    'audit.about': '每次改动或查看可能含有密钥的内容都有一条记录，每个结束的任务也有一条。记录不可更改。', 'audit.actor': '操作者', 'audit.action': '操作',
    'audit.slot': '工位', 'audit.mac': 'MAC', 'audit.job': '任务', 'audit.outcome': '结果', 'audit.all': '全部',
    'audit.none': '没有符合条件的记录。请放宽上方的条件。', 'audit.at': '时间', 'audit.target': '对象', 'audit.detail': '详情',
    'audit.repeated': '重复应答', 'audit.entry': '记录', 'outcome.done': '完成', 'outcome.refused': '被拒绝',
  },
};
