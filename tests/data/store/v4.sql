-- A database of version 4 with a row of each kind, as `sqlite3 espgate.db .dump` shows it; it was one of version 3 before. Its vault key is v1.key.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (name TEXT PRIMARY KEY,
  value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('audit',X'01bb904f8114702bbfa89fce2032bcd9f847d9676ce0bc39beebd94ac40dd8');
INSERT INTO meta VALUES('vault',X'0105caf1ff80fa7910e0a2f71e492d3f9ebe58ae9a6733be46da73d964efd52a8f0c88e6');
CREATE TABLE credential (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  key_digest TEXT NOT NULL,
  certificate TEXT NOT NULL,
  root_ca TEXT NOT NULL,
  meta TEXT NOT NULL,
  key BLOB NOT NULL, purged_ms INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO credential VALUES(1,'cred_1',1767323045678,'f1','k1','CERT','ROOT','{"id":"cred_1"}',X'01d408b8f9865878e105d011897bb11e5b48ff98eb8d19071a15018c288e59f4',0);
INSERT INTO credential VALUES(2,'cred_2',1767323045678,'f1','k1','CERT','ROOT','{"id":"cred_2"}',X'01c5b3ab2aaa842b9d5dbadf58d68a715dffe1aeba41cb25b22ae027260ad9cf02',0);
INSERT INTO credential VALUES(3,'cred_3',1767323045800,'f3','k3','CERT','ROOT','{"id":"cred_3"}',X'',1795334516663);
CREATE TABLE image (id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  credential TEXT NOT NULL REFERENCES credential (id) ON DELETE CASCADE,
  layout TEXT NOT NULL, firmware TEXT REFERENCES firmware (id) ON DELETE CASCADE, target TEXT NOT NULL DEFAULT 'mqtt') STRICT;
INSERT INTO image VALUES('img_1',1767323045679,'cred_1','"partitions"',NULL,'mqtt');
INSERT INTO image VALUES('img_2',1767323045701,'cred_2','"partitions"','fw_1','mqtt');
INSERT INTO image VALUES('img_3',1767323045801,'cred_1','"mfg_nvs"',NULL,'client.1');
CREATE TABLE slot (name TEXT PRIMARY KEY,
  download_port TEXT NOT NULL,
  at_port TEXT NOT NULL,
  reset TEXT NOT NULL,
  download_baud INTEGER NOT NULL,
  flash_baud INTEGER NOT NULL,
  at_baud INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL) STRICT;
INSERT INTO slot VALUES('left','/dev/ttyUSB0','/dev/ttyUSB1','classic',115200,460800,115200,5);
CREATE TABLE job (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  slot TEXT NOT NULL,
  credential TEXT NOT NULL,
  retry_of TEXT NOT NULL,
  state TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  steps TEXT NOT NULL,
  progress_done INTEGER NOT NULL,
  progress_total INTEGER NOT NULL,
  progress_unit TEXT NOT NULL,
  result TEXT,
  error TEXT,
  error_step TEXT NOT NULL,
  command BLOB NOT NULL, firmware TEXT NOT NULL DEFAULT '', priority INTEGER NOT NULL DEFAULT 0, depends_on TEXT NOT NULL DEFAULT '', deadline_ms INTEGER NOT NULL DEFAULT 0, actor TEXT NOT NULL DEFAULT '', token TEXT NOT NULL DEFAULT '', idempotency TEXT NOT NULL DEFAULT '', body_digest TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO job VALUES(1,'job_1','write','left','cred_1','','succeeded',11,20,30,'[{"name":"write","state":"succeeded","started_ms":21,"ms":0}]',0,0,'','{"images":[]}','','',X'01bd3a99dc10ba376746054a39397205f8ffb3a738ba4da9e3645c726a9b628ca4a2408ada762aed4bd70efd3dbe37105e3ffbee0abda6745d60d1','',0,'',0,'','','','');
INSERT INTO job VALUES(2,'job_2','write','left','cred_2','','running',12,20,0,'[{"name":"write","state":"running","started_ms":21,"ms":0}]',0,0,'',NULL,'','',X'01f4d574f2b645e73e571b6e9077a8f7e88eb67f415072dd38669ece63412226860c53c90e44dbadc92793a41c1398d111fa8058ce6444efc95712','',0,'',0,'','','','');
INSERT INTO job VALUES(3,'job_3','write','left','cred_1','','queued',13,0,0,'[]',0,0,'',NULL,'','',X'0101ac248c55e715da7aab8a0c9733474c9dfb61ce97bc077fbccb80348424e1b8a5aebd7c30cf227aa49fedd63f645853b6127cda27555ceec102','',0,'',0,'','','','');
INSERT INTO job VALUES(4,'job_4','flash','left','','','queued',14,0,0,'[]',0,0,'',NULL,'','',X'014d9b5618c19b049a5ceec3e422200fedde83605893a82a3439a90f164bf98f2dbc273acbb7a673cd05325bd0be395678a89f1af5282e424011b6','fw_1',0,'',0,'','','','');
CREATE TABLE job_log (job TEXT PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  text BLOB NOT NULL) STRICT;
INSERT INTO job_log VALUES('job_1',X'7b7d0a');
CREATE TABLE device (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  mac TEXT NOT NULL UNIQUE,
  chip TEXT NOT NULL,
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  credential TEXT NOT NULL,
  fingerprint TEXT NOT NULL) STRICT;
INSERT INTO device VALUES(1,'24:0a:c4:00:00:01','esp32',30,30,'cred_1','f1');
CREATE TABLE device_entry (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  mac TEXT NOT NULL REFERENCES device (mac) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  job TEXT NOT NULL,
  slot TEXT NOT NULL,
  credential TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  method TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT) STRICT;
INSERT INTO device_entry VALUES(1,'24:0a:c4:00:00:01',30,'job_1','left','cred_1','f1','rom','succeeded','{}');
CREATE TABLE firmware (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL UNIQUE, info TEXT NOT NULL) STRICT;
INSERT INTO firmware VALUES(1,'fw_1',1767323045700,'esp-at',3,'aa','{"kind":"esp_at"}');
CREATE TABLE job_need (id TEXT NOT NULL, job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, PRIMARY KEY (id, job)) STRICT, WITHOUT ROWID;
INSERT INTO job_need VALUES('cred_2','job_2');
INSERT INTO job_need VALUES('cred_1','job_3');
INSERT INTO job_need VALUES('cred_2','job_4');
INSERT INTO job_need VALUES('fw_1','job_4');
CREATE TABLE dump (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL UNIQUE REFERENCES job (id) ON DELETE CASCADE, data BLOB NOT NULL) STRICT;
INSERT INTO dump VALUES(1,'job_1',X'013aec309e68f8a85ea60c3e3d4075dc793ef2832ab48437f7973209db06c3e5f3');
CREATE TABLE backup (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, mac TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, partition TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, data BLOB NOT NULL) STRICT;
INSERT INTO backup VALUES(1,'bak_1',1767323045802,'24:0a:c4:00:00:01','job_1','left','mfg_nvs',135168,6,'s1',X'01b7b21d273016fb6a5615f3555d6e14fd3c640b392b5c1f7ca1589338e5becec1459f');
CREATE TABLE profile (name TEXT PRIMARY KEY, changed_ms INTEGER NOT NULL, settings BLOB NOT NULL) STRICT;
INSERT INTO profile VALUES('line-3',1767323045803,X'019f51e514086f9a41962e327c9a65d149dc3b860ad47e0c61e33a01987fa8181a81f6646c5d137f4239daa970a4af6a43d61d0b2e3e245ad0c1358bc879001ff4');
CREATE TABLE csr (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, key_digest TEXT NOT NULL, request TEXT NOT NULL, meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;
INSERT INTO csr VALUES(1,'csr_1',1767323045804,'k4','REQUEST','{}',X'012a325b9b269d0b7118d16799c5cfc9cae5af67d93cb076c7891dfff6f7bd68cd94e5');
CREATE TABLE authority (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, certificate TEXT NOT NULL, meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;
INSERT INTO authority VALUES(1,'ca_1',1767323045805,'shop','ROOT','{}',X'01f1521c122b7a4e750a8818d846338e9ec289b8bdb3709d75cac70f1deddb3d3519');
CREATE TABLE slot_hold (slot TEXT PRIMARY KEY, state TEXT NOT NULL, since_ms INTEGER NOT NULL, actor TEXT NOT NULL) STRICT;
INSERT INTO slot_hold VALUES('left','paused',1767323045900,'ann');
CREATE TABLE idempotency (key TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, body_digest TEXT NOT NULL, answer BLOB NOT NULL) STRICT;
INSERT INTO idempotency VALUES('17a2ac34c510e865d8ce18b47c70ade76a442e1aa00ce4dab5e683553802cb56',1795346324535,'d63910b7b180b1a2076036dc3116cb2b85355471974022b1a87c3454bea4798c',X'01eb2d0870e6f1dec64cf1535a06984940b35ce590ead2146c55ce796b4b28966e178b');
CREATE TABLE token (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL, digest TEXT NOT NULL, certificate TEXT NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;
INSERT INTO token VALUES(1,'tok_1','line','viewer','d1','',1767323045902,'',0,0,0);
CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, token TEXT NOT NULL, address TEXT NOT NULL, request TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, slot TEXT NOT NULL, mac TEXT NOT NULL, job TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, type TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, data TEXT NOT NULL) STRICT;
INSERT INTO event VALUES(1,1795346324533,'slot.changed','','left','{"slot":"left","change":"paused","at":"2026-11-22T11:18:44.533Z"}');
CREATE TABLE webhook (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, url TEXT NOT NULL, ca TEXT NOT NULL, slot TEXT NOT NULL, states TEXT NOT NULL, secret BLOB NOT NULL) STRICT;
INSERT INTO webhook VALUES(1,'hook_1',1767323045901,'https://example.com/','','',' failed ',X'017054d32c1359cb6cb574eae80e3c833af94ef0d95f400138ab7c3a3b9da929dee3f945');
CREATE TABLE delivery (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE, job TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, tried_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('credential',3);
INSERT INTO sqlite_sequence VALUES('job',4);
INSERT INTO sqlite_sequence VALUES('device',1);
INSERT INTO sqlite_sequence VALUES('device_entry',1);
INSERT INTO sqlite_sequence VALUES('firmware',1);
INSERT INTO sqlite_sequence VALUES('dump',1);
INSERT INTO sqlite_sequence VALUES('backup',1);
INSERT INTO sqlite_sequence VALUES('csr',1);
INSERT INTO sqlite_sequence VALUES('authority',1);
INSERT INTO sqlite_sequence VALUES('event',1);
INSERT INTO sqlite_sequence VALUES('webhook',1);
INSERT INTO sqlite_sequence VALUES('token',1);
CREATE INDEX image_credential ON image (credential);
CREATE INDEX job_state ON job (state, seq);
CREATE INDEX job_slot ON job (slot, seq);
CREATE INDEX job_credential ON job (credential, seq);
CREATE INDEX device_entry_mac ON device_entry (mac, seq);
CREATE INDEX image_firmware ON image (firmware);
CREATE INDEX job_firmware ON job (firmware, seq);
CREATE INDEX job_need_job ON job_need (job);
CREATE INDEX credential_fingerprint ON credential (fingerprint);
CREATE INDEX credential_key_digest ON credential (key_digest);
CREATE INDEX backup_mac ON backup (mac, seq);
CREATE UNIQUE INDEX job_idempotency ON job (idempotency) WHERE idempotency <> '';
CREATE INDEX job_finished ON job (finished_ms);
CREATE INDEX idempotency_created ON idempotency (created_ms);
CREATE UNIQUE INDEX token_digest ON token (digest) WHERE digest <> '';
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE INDEX event_job ON event (job, seq);
CREATE UNIQUE INDEX delivery_job ON delivery (job, webhook) WHERE job <> '';
CREATE INDEX delivery_due ON delivery (webhook, next_ms) WHERE state = 'pending';
CREATE INDEX delivery_webhook ON delivery (webhook, seq);
COMMIT;
PRAGMA user_version = 4;
