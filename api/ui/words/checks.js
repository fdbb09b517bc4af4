export default {
  en: {
    'checks.pass': 'fine', 'checks.warn': 'look at it', 'checks.fail': 'stands in the way', 'check.syntax': 'Readable',
    'check.encrypted_key': 'Password', 'check.kinds': 'Complete', 'check.key_type': 'Kind of key',
    'check.key_matches': 'Key belongs to certificate', 'check.chain_to_root': 'Chain leads to the root CA',
    'check.validity': 'Valid now', 'check.fits_partition': 'Fits on the board', 'check.normalised': 'Clean',
  },
  zh: {
    'checks.pass': '正常', 'checks.warn': '请留意', 'checks.fail': '不可用', 'check.syntax': '可读取', 'check.encrypted_key': '密码',
    'check.kinds': '完整', 'check.key_type': '密钥类型', 'check.key_matches': '私钥与证书匹配', 'check.chain_to_root': '证书链可达根证书',
    'check.validity': '在有效期内', 'check.fits_partition': '可放入开发板', 'check.normalised': '格式规范',
  },
};
