// Words of lists of jobs, and of what a job has done.
export default {
  en: {
    'jobs.job': 'Job', 'jobs.state': 'State', 'jobs.slot': 'Slot', 'jobs.what': 'What it does, or how it ended',
    'jobs.kind': 'Kind', 'jobs.credential': 'Credential', 'jobs.firmware': 'Firmware', 'jobs.all': 'all',
    'jobs.none': 'No job fits. Choose less above, or order one on the page Provision.',
    'jobs.board': 'Board', 'jobs.actor': 'Ordered by', 'jobs.ordered': 'Ordered', 'jobs.took': 'Took',
    'done.wrote': 'wrote {names}', 'done.flashed': 'flashed {names}', 'done.read': 'read {place}',
    'done.erased': 'erased {place}', 'done.restored': 'restored {place}',
    'done.lines': 'one line was answered|{n} lines were answered',
    'done.warnings': '(with a warning)|(with {n} warnings)',
  },
  zh: {
    'jobs.job': '任务', 'jobs.state': '状态', 'jobs.slot': '工位', 'jobs.what': '正在做什么，或结果如何', 'jobs.board': '开发板',
    'jobs.kind': '类型', 'jobs.credential': '凭证', 'jobs.firmware': '固件', 'jobs.all': '全部',
    'jobs.none': '没有符合条件的任务。请放宽上方的条件，或在“配置开发板”页面新建任务。',
    'jobs.actor': '下达者', 'jobs.ordered': '下达时间', 'jobs.took': '用时', 'done.wrote': '写入 {names}',
    'done.flashed': '烧录 {names}', 'done.read': '读取 {place}', 'done.erased': '擦除 {place}', 'done.restored': '恢复 {place}',
    'done.lines': '应答 {n} 行',
    'done.warnings': '（有 {n} 个警告）',
  },
};
