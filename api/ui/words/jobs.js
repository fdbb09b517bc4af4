// Words of the page of all jobs.
export default {
  en: {
    'jobs.kind': 'Kind', 'jobs.credential': 'Credential', 'jobs.firmware': 'Firmware', 'jobs.all': 'all',
    'jobs.none': 'No job fits. Choose less above, or order one on the page Provision.',
  },
  zh: {
    'jobs.kind': '类型', 'jobs.credential': '凭证', 'jobs.firmware': '固件', 'jobs.all': '全部',
    'jobs.none': '没有符合条件的任务。请放宽上方的条件，或在“配置开发板”页面新建任务。',
  },
};
