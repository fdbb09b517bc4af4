// Words of lists of jobs, and of what a job has done.
export default {
  en: {
    'jobs.job': 'Job', 'jobs.state': 'State', 'jobs.slot': 'Slot', 'jobs.what': 'What it does, or how it ended',
    'jobs.board': 'Board', 'jobs.actor': 'Ordered by', 'jobs.ordered': 'Ordered', 'jobs.took': 'Took',
    'done.wrote': 'wrote {names}', 'done.flashed': 'flashed {names}', 'done.read': 'read {place}',
    'done.erased': 'erased {place}', 'done.restored': 'restored {place}',
    'done.lines': 'one line was answered|{n} lines were answered',
    'done.works': 'The board did all that was asked.', 'done.warnings': '(with a warning)|(with {n} warnings)',
  },
  zh: {
    'jobs.job': '任务', 'jobs.state': '状态', 'jobs.slot': '工位', 'jobs.what': '正在做什么，或结果如何', 'jobs.board': '开发板',
    'jobs.actor': '下单者', 'jobs.ordered': '下单时间', 'jobs.took': '用时', 'done.wrote': '写入 {names}',
    'done.flashed': '烧录 {names}', 'done.read': '读取 {place}', 'done.erased': '擦除 {place}', 'done.restored': '恢复 {place}',
    'done.lines': '应答 {n} 行|应答 {n} 行',
    'done.works': '开发板完成了全部要求。', 'done.warnings': '（有警告）|（有 {n} 个警告）',
  },
};
