-- A database of version 5 with a row of each kind, as `sqlite3 espgate.db .dump` shows it; it was one of version 4 before. Its vault key is v1.key.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, token TEXT NOT NULL, address TEXT NOT NULL, request TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, slot TEXT NOT NULL, mac TEXT NOT NULL, job TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO "audit" VALUES(1,1795357507417,'ann','','','','job.end','job_5','right','24:0a:c4:00:00:02','job_5','succeeded','{"kind":"identify"}','','ebfc0e1365a61aa1502d2a1861da0a6170eba043a4c38b237ff9318762b4f486');
INSERT INTO "audit" VALUES(2,1795357507458,'ann','','','','job.end','job_6','right','24:0a:c4:00:00:02','job_6','succeeded','{"kind":"write"}','ebfc0e1365a61aa1502d2a1861da0a6170eba043a4c38b237ff9318762b4f486','146d1365402ead8ad0322e877aca10c26f0faa3145e1fc0de01743e6b4dcf619');
INSERT INTO "audit" VALUES(3,1795357507483,'ann','','','','job.end','job_7','right','','job_7','failed','{"error":{"code":"at_silent","step":"identify"},"kind":"identify"}','146d1365402ead8ad0322e877aca10c26f0faa3145e1fc0de01743e6b4dcf619','4da59dfae602707f7835e4795b3d7a3a13365e3d64dbea54aaaf139ab63d260f');
CREATE TABLE authority (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, certificate TEXT NOT NULL, meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;
INSERT INTO "authority" VALUES(1,'ca_1',1767323045805,'shop','ROOT','{}',X'01F1521C122B7A4E750A8818D846338E9EC289B8BDB3709D75CAC70F1DEDDB3D3519');
CREATE TABLE backup (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, mac TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, partition TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, data BLOB NOT NULL) STRICT;
INSERT INTO "backup" VALUES(1,'bak_1',1767323045802,'24:0a:c4:00:00:01','job_1','left','mfg_nvs',135168,6,'s1',X'01B7B21D273016FB6A5615F3555D6E14FD3C640B392B5C1F7CA1589338E5BECEC1459F');
CREATE TABLE cloud (name TEXT PRIMARY KEY, changed_ms INTEGER NOT NULL, settings BLOB NOT NULL) STRICT;
INSERT INTO "cloud" VALUES('prod',0,X'01E2A6C07B16DB0158E8A54905381B79B7BA72122B1B84DC312DE27FE61CB69BBFE9608BF13703AEE478EFC95E2596');
CREATE TABLE credential (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  key_digest TEXT NOT NULL,
  certificate TEXT NOT NULL,
  root_ca TEXT NOT NULL,
  meta TEXT NOT NULL,
  key BLOB NOT NULL, purged_ms INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "credential" VALUES(1,'cred_1',1767323045678,'f1','k1','CERT','ROOT','{"id":"cred_1"}',X'01D408B8F9865878E105D011897BB11E5B48FF98EB8D19071A15018C288E59F4',0);
INSERT INTO "credential" VALUES(2,'cred_2',1767323045678,'f1','k1','CERT','ROOT','{"id":"cred_2"}',X'01C5B3AB2AAA842B9D5DBADF58D68A715DFFE1AEBA41CB25B22AE027260AD9CF02',0);
INSERT INTO "credential" VALUES(3,'cred_3',1767323045800,'f3','k3','CERT','ROOT','{"id":"cred_3"}',X'',1795334516663);
INSERT INTO "credential" VALUES(4,'cred_4',1767323046000,'f4','k4','CERT','ROOT','{"id":"cred_4","common_name":"pump-7"}',X'0138511E54EDEF512514A9991F48D7E230A23DDC7FADADB61F1121CDB428D1BF',0);
CREATE TABLE csr (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, key_digest TEXT NOT NULL, request TEXT NOT NULL, meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;
INSERT INTO "csr" VALUES(1,'csr_1',1767323045804,'k4','REQUEST','{}',X'012A325B9B269D0B7118D16799C5CFC9CAE5AF67D93CB076C7891DFFF6F7BD68CD94E5');
CREATE TABLE delivery (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE, job TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, tried_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL) STRICT;
INSERT INTO "delivery" VALUES(1,'dlv_1m81tazww3w82407m5w63vfad','hook_1','job_7','{"type":"job.ended","timestamp":"2026-01-02T03:04:06.410Z","data":{"job":"job_7","kind":"identify","slot":"right","state":"failed","actor":"ann","created_at":"2026-01-02T03:04:06.400Z","started_at":"2026-01-02T03:04:06.405Z","finished_at":"2026-01-02T03:04:06.410Z","error":{"code":"at_silent","step":"identify","detail":"the board says nothing","hint":"Check the cable."}}}',1795357507484,'pending',0,0,0,0,0,'');
CREATE TABLE device (seq INTEGER PRIMARY KEY AUTOINCREMENT,
  mac TEXT NOT NULL UNIQUE,
  chip TEXT NOT NULL,
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  credential TEXT NOT NULL,
  fingerprint TEXT NOT NULL) STRICT;
INSERT INTO "device" VALUES(1,'24:0a:c4:00:00:01','esp32',30,30,'cred_1','f1');
INSERT INTO "device" VALUES(2,'24:0a:c4:00:00:02','esp32c3',1767323046210,1767323046310,'cred_4','f4');
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
INSERT INTO "device_entry" VALUES(1,'24:0a:c4:00:00:01',30,'job_1','left','cred_1','f1','rom','succeeded','{}');
INSERT INTO "device_entry" VALUES(2,'24:0a:c4:00:00:02',1767323046210,'job_5','right','','','at','succeeded','{"firmware":{"at_version":"3.2.0.0","bin_version":"v3.2.0.0","module":"MINI-1","sdk_version":"v5.0"},"layout":"mfg_nvs"}');
INSERT INTO "device_entry" VALUES(3,'24:0a:c4:00:00:02',1767323046310,'job_6','right','cred_4','f4','rom','succeeded','{"layout":"mfg_nvs"}');
CREATE TABLE dump (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL UNIQUE REFERENCES job (id) ON DELETE CASCADE, data BLOB NOT NULL) STRICT;
INSERT INTO "dump" VALUES(1,'job_1',X'013AEC309E68F8A85EA60C3E3D4075DC793EF2832AB48437F7973209DB06C3E5F3');
CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, type TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, data TEXT NOT NULL) STRICT;
INSERT INTO "event" VALUES(1,1795346324533,'slot.changed','','left','{"slot":"left","change":"paused","at":"2026-11-22T11:18:44.533Z"}');
INSERT INTO "event" VALUES(2,1795357507407,'job.queued','job_5','right','{"job":"job_5","kind":"identify","slot":"right","state":"queued","actor":"ann","at":"2026-11-22T14:25:07.407Z"}');
INSERT INTO "event" VALUES(3,1795357507417,'job.ended','job_5','right','{"job":"job_5","kind":"identify","slot":"right","state":"succeeded","actor":"ann","at":"2026-11-22T14:25:07.417Z"}');
INSERT INTO "event" VALUES(4,1795357507443,'job.queued','job_6','right','{"job":"job_6","kind":"write","slot":"right","state":"queued","actor":"ann","at":"2026-11-22T14:25:07.443Z"}');
INSERT INTO "event" VALUES(5,1795357507457,'job.ended','job_6','right','{"job":"job_6","kind":"write","slot":"right","state":"succeeded","actor":"ann","at":"2026-11-22T14:25:07.457Z"}');
INSERT INTO "event" VALUES(6,1795357507468,'job.queued','job_7','right','{"job":"job_7","kind":"identify","slot":"right","state":"queued","actor":"ann","at":"2026-11-22T14:25:07.468Z"}');
INSERT INTO "event" VALUES(7,1795357507483,'job.ended','job_7','right','{"job":"job_7","kind":"identify","slot":"right","state":"failed","actor":"ann","at":"2026-11-22T14:25:07.483Z","error":{"code":"at_silent","step":"identify","detail":"the board says nothing"}}');
CREATE TABLE firmware (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL UNIQUE, info TEXT NOT NULL) STRICT;
INSERT INTO "firmware" VALUES(1,'fw_1',1767323045700,'esp-at',3,'aa','{"kind":"esp_at"}');
CREATE TABLE idempotency (key TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, body_digest TEXT NOT NULL, answer BLOB NOT NULL) STRICT;
INSERT INTO "idempotency" VALUES('17a2ac34c510e865d8ce18b47c70ade76a442e1aa00ce4dab5e683553802cb56',1795346324535,'d63910b7b180b1a2076036dc3116cb2b85355471974022b1a87c3454bea4798c',X'01EB2D0870E6F1DEC64CF1535A06984940B35CE590EAD2146C55CE796B4B28966E178B');
CREATE TABLE image (id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  credential TEXT NOT NULL REFERENCES credential (id) ON DELETE CASCADE,
  layout TEXT NOT NULL, firmware TEXT REFERENCES firmware (id) ON DELETE CASCADE, target TEXT NOT NULL DEFAULT 'mqtt') STRICT;
INSERT INTO "image" VALUES('img_1',1767323045679,'cred_1','"partitions"',NULL,'mqtt');
INSERT INTO "image" VALUES('img_2',1767323045701,'cred_2','"partitions"','fw_1','mqtt');
INSERT INTO "image" VALUES('img_3',1767323045801,'cred_1','"mfg_nvs"',NULL,'client.1');
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
INSERT INTO "job" VALUES(1,'job_1','write','left','cred_1','','succeeded',11,20,30,'[{"name":"write","state":"succeeded","started_ms":21,"ms":0}]',0,0,'','{"images":[]}','','',X'01BD3A99DC10BA376746054A39397205F8FFB3A738BA4DA9E3645C726A9B628CA4A2408ADA762AED4BD70EFD3DBE37105E3FFBEE0ABDA6745D60D1','',0,'',0,'','','','');
INSERT INTO "job" VALUES(2,'job_2','write','left','cred_2','','running',12,20,0,'[{"name":"write","state":"running","started_ms":21,"ms":0}]',0,0,'',NULL,'','',X'01F4D574F2B645E73E571B6E9077A8F7E88EB67F415072DD38669ECE63412226860C53C90E44DBADC92793A41C1398D111FA8058CE6444EFC95712','',0,'',0,'','','','');
INSERT INTO "job" VALUES(3,'job_3','write','left','cred_1','','queued',13,0,0,'[]',0,0,'',NULL,'','',X'0101AC248C55E715DA7AAB8A0C9733474C9DFB61CE97BC077FBCCB80348424E1B8A5AEBD7C30CF227AA49FEDD63F645853B6127CDA27555CEEC102','',0,'',0,'','','','');
INSERT INTO "job" VALUES(4,'job_4','flash','left','','','queued',14,0,0,'[]',0,0,'',NULL,'','',X'014D9B5618C19B049A5CEEC3E422200FEDDE83605893A82A3439A90F164BF98F2DBC273ACBB7A673CD05325BD0BE395678A89F1AF5282E424011B6','fw_1',0,'',0,'','','','');
INSERT INTO "job" VALUES(5,'job_5','identify','right','','','succeeded',1767323046200,1767323046205,1767323046210,'[]',0,0,'','{"board":{"chip":"esp32c3","title":"ESP32-C3","mac":"24:0a:c4:00:00:02"},"layout":{"kind":"mfg_nvs","source":"AT+SYSFLASH?","kinds":[],"partitions":[]},"firmware":{"at_version":"3.2.0.0","bin_version":"v3.2.0.0","module":"MINI-1","sdk_version":"v5.0"}}','','',X'019D13238C992F4FA6597089837E4D543E6254FA9C777ABACA84764D324A27E68DF03AEAE3D477CCDBDBF789371BC7BBD1C3C40780341C8BA69E9BF477F607','',0,'',0,'ann','','','');
INSERT INTO "job" VALUES(6,'job_6','write','right','','','succeeded',1767323046300,1767323046305,1767323046310,'[]',0,0,'','{"board":{"chip":"esp32c3","mac":"24:0a:c4:00:00:02"}}','','',X'01DB2114AF239FCA7CD4596F0DA4D02F6A2BD6F598029F4B9155F6481EF1CF2B0CE4B89124854B32767341D1FBD2BB489A2E3CD41F35D4140EED00CB83A5A9','',0,'',0,'ann','','','');
INSERT INTO "job" VALUES(7,'job_7','identify','right','','','failed',1767323046400,1767323046405,1767323046410,'[]',0,0,'',NULL,'{"kind":"timeout","code":"at_silent","detail":"the board says nothing","device":"","hint":"Check the cable."}','identify',X'01690FFD881AFA65F1FCB508B4B18F5A46943E86B5049A0B7CEEAD71BC7F3C9D45D90E19E099C5655056FA4D98C3358392206F3F771483B90BE630F99E69C2','',0,'',0,'ann','','','');
CREATE TABLE job_log (job TEXT PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
  text BLOB NOT NULL) STRICT;
INSERT INTO "job_log" VALUES('job_1',X'7B7D0A');
CREATE TABLE job_need (id TEXT NOT NULL, job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, PRIMARY KEY (id, job)) STRICT, WITHOUT ROWID;
INSERT INTO "job_need" VALUES('cred_2','job_2');
INSERT INTO "job_need" VALUES('cred_1','job_3');
INSERT INTO "job_need" VALUES('cred_2','job_4');
INSERT INTO "job_need" VALUES('fw_1','job_4');
CREATE TABLE meta (name TEXT PRIMARY KEY,
  value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('audit',X'01AD218E29379E5DAF29A05CD28A97D140C33B6BD6871C37D04DAE99CA3549A0BFEFE3C10DCCA1936C2FBA8452E720C0124E86A5142422139A369AA9603E1B2C9169F445B81D420E5B96CEEC6B33DDA6F09170C13A5752931691543A38FD61');
INSERT INTO "meta" VALUES('vault',X'0105CAF1FF80FA7910E0A2F71E492D3F9EBE58AE9A6733BE46DA73D964EFD52A8F0C88E6');
CREATE TABLE profile (name TEXT PRIMARY KEY, changed_ms INTEGER NOT NULL, settings BLOB NOT NULL) STRICT;
INSERT INTO "profile" VALUES('line-3',1767323045803,X'019F51E514086F9A41962E327C9A65D149DC3B860AD47E0C61E33A01987FA8181A81F6646C5D137F4239DAA970A4AF6A43D61D0B2E3E245AD0C1358BC879001FF4');
CREATE TABLE registration (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, cloud TEXT NOT NULL, thing TEXT NOT NULL, job TEXT NOT NULL, actor TEXT NOT NULL, credential TEXT NOT NULL, certificate TEXT NOT NULL, policy TEXT NOT NULL, policy_made INTEGER NOT NULL, state TEXT NOT NULL, lives INTEGER NOT NULL, spec TEXT NOT NULL, progress TEXT NOT NULL, error TEXT NOT NULL, secret BLOB NOT NULL) STRICT;
INSERT INTO "registration" VALUES(1,'reg_1',1767323046000,1767323046100,'prod','line3-pump-7','','','cred_4','abc','',0,'active',1,'{}','{}','',X'01F65311E583CB72D0B3B3C85BC20CCC87BCB81C369EE4DD66232513E660AA88');
CREATE TABLE slot (name TEXT PRIMARY KEY,
  download_port TEXT NOT NULL,
  at_port TEXT NOT NULL,
  reset TEXT NOT NULL,
  download_baud INTEGER NOT NULL,
  flash_baud INTEGER NOT NULL,
  at_baud INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL) STRICT;
INSERT INTO "slot" VALUES('left','/dev/ttyUSB0','/dev/ttyUSB1','classic',115200,460800,115200,5);
CREATE TABLE slot_hold (slot TEXT PRIMARY KEY, state TEXT NOT NULL, since_ms INTEGER NOT NULL, actor TEXT NOT NULL) STRICT;
INSERT INTO "slot_hold" VALUES('left','paused',1767323045900,'ann');
CREATE TABLE token (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL, digest TEXT NOT NULL, certificate TEXT NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;
INSERT INTO "token" VALUES(1,'tok_1','line','viewer','d1','',1767323045902,'',0,0,0);
CREATE TABLE webhook (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, url TEXT NOT NULL, ca TEXT NOT NULL, slot TEXT NOT NULL, states TEXT NOT NULL, secret BLOB NOT NULL) STRICT;
INSERT INTO "webhook" VALUES(1,'hook_1',1767323045901,'https://example.com/','','',' failed ',X'017054D32C1359CB6CB574EAE80E3C833AF94EF0D95F400138AB7C3A3B9DA929DEE3F945');
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
CREATE UNIQUE INDEX registration_thing ON registration (cloud, thing) WHERE lives = 1 AND thing <> '';
CREATE INDEX registration_state ON registration (state, seq);
CREATE INDEX registration_job ON registration (job) WHERE job <> '';
CREATE INDEX registration_credential ON registration (credential) WHERE credential <> '';
CREATE INDEX registration_certificate ON registration (certificate) WHERE certificate <> '';
CREATE INDEX registration_policy ON registration (policy, cloud) WHERE policy <> '';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('credential',4);
INSERT INTO "sqlite_sequence" VALUES('job',7);
INSERT INTO "sqlite_sequence" VALUES('device',3);
INSERT INTO "sqlite_sequence" VALUES('device_entry',3);
INSERT INTO "sqlite_sequence" VALUES('firmware',1);
INSERT INTO "sqlite_sequence" VALUES('dump',1);
INSERT INTO "sqlite_sequence" VALUES('backup',1);
INSERT INTO "sqlite_sequence" VALUES('csr',1);
INSERT INTO "sqlite_sequence" VALUES('authority',1);
INSERT INTO "sqlite_sequence" VALUES('event',7);
INSERT INTO "sqlite_sequence" VALUES('webhook',1);
INSERT INTO "sqlite_sequence" VALUES('token',1);
INSERT INTO "sqlite_sequence" VALUES('registration',1);
INSERT INTO "sqlite_sequence" VALUES('audit',3);
INSERT INTO "sqlite_sequence" VALUES('delivery',1);
COMMIT;
PRAGMA user_version = 5;
