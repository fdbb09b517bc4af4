// Words of the page of one job.
export default {
  en: {
    'job.none': 'There is no such job', 'job.all': 'All jobs', 'job.retry': 'Do it again', 'job.cancel': 'Stop the job',
    'job.cancel_title': 'Stop this job?', 'job.cancel_queued': 'It has not begun; nothing on the board has changed.',
    'job.cancel_running': 'It stops as soon as its board is reset. What it has written by then stays on the board.',
    'job.stopping': 'It was told to stop, and ends when its board is reset.',
    'job.waits': 'It waits for its turn at the slot.',
    'job.waits_for_other': 'It waits until the job that it depends on has succeeded.',
    'job.interrupted': 'espgate ended before this job did. Order it again.', 'job.steps': 'Steps', 'job.ahead': 'to come',
    'job.rate': '{rate}/s', 'job.progress': 'Progress', 'job.about': 'About this job', 'job.slot': 'Slot',
    'job.board': 'Board', 'job.actor': 'Ordered by', 'job.ordered': 'Ordered', 'job.started': 'Began',
    'job.finished': 'Ended', 'job.took': 'Took', 'job.credential': 'Credential', 'job.firmware': 'Firmware',
    'job.profile': 'Profile', 'job.retry_of': 'Repeats', 'job.depends_on': 'Depends on', 'job.priority': 'Priority',
    'job.deadline': 'Must end by', 'job.id': 'Id',
  },
  zh: {
    'job.none': '没有这个任务', 'job.all': '全部任务', 'job.retry': '重做', 'job.cancel': '停止任务', 'job.cancel_title': '停止此任务？',
    'job.cancel_queued': '任务尚未开始，开发板没有任何改动。', 'job.cancel_running': '开发板复位后任务即停止。此前已写入的内容会保留在开发板上。',
    'job.stopping': '已要求停止，开发板复位后任务即结束。', 'job.waits': '正在等待工位空出。', 'job.waits_for_other': '正在等待它所依赖的任务成功。',
    'job.interrupted': 'espgate 在此任务结束之前退出了。请重新下达。', 'job.steps': '步骤', 'job.ahead': '待执行', 'job.rate': '{rate}/秒', 'job.progress': '进度',
    'job.about': '任务信息', 'job.slot': '工位', 'job.board': '开发板', 'job.actor': '下达者', 'job.ordered': '下达时间',
    'job.started': '开始', 'job.finished': '结束', 'job.took': '用时', 'job.credential': '凭证', 'job.firmware': '固件',
    'job.profile': '配置方案', 'job.retry_of': '重做自', 'job.depends_on': '依赖于', 'job.priority': '优先级',
    'job.deadline': '最迟结束', 'job.id': '编号',
  },
};
