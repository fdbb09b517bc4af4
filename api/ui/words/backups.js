// Words of backups and of putting them back.
export default {
  en: {
    'backup.restore': 'Restore', 'backup.restore_title': 'Restore this backup?',
    'backup.slot': 'Slot where the board is now',
    'backup.restore_text': '{partition} of the board {mac} becomes as it was before. What is there now is kept as a '
      + 'backup.',
    'backup.title': 'Backups', 'backup.partition': 'Partition', 'backup.place': 'Place', 'backup.made': 'Made',
    'backup.job': 'Before job',
    'backup.none': 'There are none. One is made before a job changes a partition that holds more than a credential.',
  },
  zh: {
    'backup.restore': '恢复', 'backup.restore_title': '恢复此备份？', 'backup.slot': '开发板当前所在工位',
    'backup.restore_text': '开发板 {mac} 的分区 {partition} 将恢复为之前的内容。现有内容会先保存为备份。', 'backup.title': '备份',
    'backup.partition': '分区', 'backup.place': '位置', 'backup.made': '创建时间', 'backup.job': '所属任务',
    'backup.none': '没有备份。任务改动含有其他数据的分区之前会自动创建备份。',
  },
};
