// Words of the bench's wall and of a slot's tile.
export default {
  en: {
    'look.idle': 'Idle', 'look.working': 'Working', 'look.good': 'Good', 'look.bad': 'Failed', 'look.absent': 'Absent',
    'wall.layout.partitions': 'credentials in partitions', 'wall.layout.mfg_nvs': 'credentials in mfg_nvs',
    'wall.layout.none': 'no place for credentials',
    'wall.job': '{kind}: {what}', 'wall.waiting': '1 waits|{n} wait', 'wall.seen': 'last seen',
    'wall.no_board': 'No board was seen here yet.', 'wall.no_mac': 'MAC not told',
    'wall.progress': 'Progress of {slot}', 'wall.by': 'ordered by {who}', 'wall.no_job': 'No job yet.',
    'wall.filters': 'Which slots are shown', 'wall.show_all': 'All {n}', 'wall.show_working': 'Working {n}',
    'wall.show_bad': 'Failed {n}', 'wall.none_working': 'No slot works now.', 'wall.none_bad': 'No slot has failed.',
    'wall.empty': 'Plug in a board',
    'wall.empty_plug': 'Connect an ESP32 board, or a USB serial adapter that leads to one, to the computer on which espgate '
      + 'runs. It appears here by itself.',
    'wall.empty_slot': 'A slot is a place on the bench: one serial port, or two where AT commands have a port of their own. '
      + 'A port without a slot is one of its own, under the port\'s name.',
    'wall.empty_missing': 'Nothing appears? Try another cable (some carry power only). In a container, the ports must be '
      + 'handed to it. espgate must be allowed to open them: group dialout.',
    'wall.name_slots': 'Name slots',
  },
  zh: {
    'look.idle': '空闲', 'look.working': '工作中', 'look.good': '正常', 'look.bad': '失败', 'look.absent': '未连接',
    'wall.layout.partitions': '凭证在独立分区', 'wall.layout.mfg_nvs': '凭证在 mfg_nvs', 'wall.layout.none': '没有存放凭证的位置',
    'wall.job': '{kind}：{what}', 'wall.waiting': '{n} 个排队', 'wall.no_board': '这里还没有识别过开发板。', 'wall.no_mac': '未提供 MAC', 'wall.seen': '最近识别',
    'wall.progress': '{slot} 的进度', 'wall.by': '下达者：{who}', 'wall.no_job': '还没有任务。',
    'wall.filters': '显示哪些工位', 'wall.show_all': '全部 {n}', 'wall.show_working': '工作中 {n}',
    'wall.show_bad': '失败 {n}', 'wall.none_working': '现在没有工位在工作。', 'wall.none_bad': '没有失败的工位。',
    'wall.empty': '请接入开发板',
    'wall.empty_plug': '把 ESP32 开发板（或连接它的 USB 转串口适配器）接到运行 espgate 的计算机上，它会自动出现在这里。',
    'wall.empty_slot': '工位是工作台上的一个位置：一个串口；如果 AT 命令使用单独的串口，则为两个。没有分配工位的串口自成一个工位，以串口名命名。',
    'wall.empty_missing': '没有出现？请换一根数据线（有些线只能供电）。在容器中运行时，需要把串口交给容器。espgate 还需要有权打开串口：dialout 组。',
    'wall.name_slots': '命名工位',
  },
};
