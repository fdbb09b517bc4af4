// Words of lists of jobs.
export default {
  en: {
    'jobs.job': 'Job', 'jobs.state': 'State', 'jobs.slot': 'Slot', 'jobs.what': 'What it does, or how it ended',
    'jobs.board': 'Board', 'jobs.actor': 'Ordered by', 'jobs.ordered': 'Ordered', 'jobs.took': 'Took',
    'jobs.warnings': 'It works, with a warning.|It works, with {n} warnings.',
  },
  zh: {
    'jobs.job': '任务', 'jobs.state': '状态', 'jobs.slot': '工位', 'jobs.what': '正在做什么，或结果如何',
    'jobs.board': '开发板', 'jobs.actor': '下单者', 'jobs.ordered': '下单时间', 'jobs.took': '用时',
    'jobs.warnings': '正常，但有警告。|正常，但有 {n} 个警告。',
  },
};
