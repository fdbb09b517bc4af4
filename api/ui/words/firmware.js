// Words of the firmware page.
export default {
  en: {
    'firmware.none': 'There is no firmware yet. Upload an ESP-AT release as it was downloaded (zip), a factory image or another binary.',
    'firmware.about': 'What a file is, is found from its content. A credential can go onto the board on the way.',
    'firmware.upload': 'Upload', 'firmware.all': 'Show all', 'firmware.uploading': '{name} ({size}) is on its way …', 'firmware.kept': '{name} is kept.',
    'firmware.too_large': '{name} is no firmware for an ESP32: it has {size}.', 'firmware.limit': 'At most {limit} are taken.',
    'firmware.name': 'Name', 'firmware.kind': 'What', 'firmware.chip': 'Chip', 'firmware.version': 'Version', 'firmware.layout': 'Layout',
    'firmware.size': 'Size', 'firmware.came': 'Came', 'firmware.kind_factory': 'factory image', 'firmware.kind_release': 'release',
    'firmware.kind_binary': 'binary', 'firmware.sure': 'The firmware {name} is deleted here.',
    'firmware.without': 'none', 'firmware.slot': 'Slot', 'firmware.credential': 'Credential',
    'firmware.flash_text': '{name} replaces the firmware of the board in this slot.',
  },
  zh: {
    'firmware.none': '还没有固件。请上传下载的 ESP-AT 发布包（zip）、完整出厂映像或其他二进制文件。',
    'firmware.about': '文件类型由其内容判断。烧录时可以同时写入凭证。',
    'firmware.upload': '上传', 'firmware.all': '显示全部', 'firmware.uploading': '正在上传 {name}（{size}）…', 'firmware.kept': '{name} 已保存。',
    'firmware.too_large': '{name} 不是 ESP32 固件：大小为 {size}。', 'firmware.limit': '最大允许 {limit}。',
    'firmware.name': '名称', 'firmware.kind': '类型', 'firmware.chip': '芯片', 'firmware.version': '版本', 'firmware.layout': '布局',
    'firmware.size': '大小', 'firmware.came': '上传时间', 'firmware.kind_factory': '出厂映像', 'firmware.kind_release': '发布包',
    'firmware.kind_binary': '二进制文件', 'firmware.sure': '将从本机删除固件 {name}。',
    'firmware.without': '无', 'firmware.slot': '工位', 'firmware.credential': '凭证',
    'firmware.flash_text': '{name} 将替换此工位开发板上的固件。',
  },
};
