/* schema: a step that was released is never changed; a change is a further step. Ids are found by
 * index, but order is kept by seq: two ids of the same millisecond sort by chance. Secrets are in
 * credential.key, job.command, dump.data, backup.data, profile.settings, csr.key, authority.key,
 * idempotency.answer, webhook.secret, cloud.settings and registration.secret only, all sealed
 * (vault.h). */
#include "service/store/schema.h"

#include <stdio.h>

static const char *const steps[] = {
    /* 0 → 1 */
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE credential (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, fingerprint TEXT NOT NULL, key_digest TEXT NOT NULL,"
    " certificate TEXT NOT NULL, root_ca TEXT NOT NULL, meta TEXT NOT NULL, key BLOB NOT NULL)"
    " STRICT;"

    "CREATE TABLE image (id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " credential TEXT NOT NULL REFERENCES credential (id) ON DELETE CASCADE,"
    " layout TEXT NOT NULL) STRICT;"
    "CREATE INDEX image_credential ON image (credential);"

    "CREATE TABLE slot (name TEXT PRIMARY KEY, download_port TEXT NOT NULL,"
    " at_port TEXT NOT NULL, reset TEXT NOT NULL, download_baud INTEGER NOT NULL,"
    " flash_baud INTEGER NOT NULL, at_baud INTEGER NOT NULL, changed_ms INTEGER NOT NULL) STRICT;"

    "CREATE TABLE job (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL, slot TEXT NOT NULL, credential TEXT NOT NULL, retry_of TEXT NOT NULL,"
    " state TEXT NOT NULL, created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " finished_ms INTEGER NOT NULL, steps TEXT NOT NULL, progress_done INTEGER NOT NULL,"
    " progress_total INTEGER NOT NULL, progress_unit TEXT NOT NULL, result TEXT,"
    " error TEXT, error_step TEXT NOT NULL, command BLOB NOT NULL) STRICT;"
    "CREATE INDEX job_state ON job (state, seq);"
    "CREATE INDEX job_slot ON job (slot, seq);"
    "CREATE INDEX job_credential ON job (credential, seq);"

    "CREATE TABLE job_log (job TEXT PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,"
    " text BLOB NOT NULL) STRICT;"

    "CREATE TABLE device (seq INTEGER PRIMARY KEY AUTOINCREMENT, mac TEXT NOT NULL UNIQUE,"
    " chip TEXT NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
    " credential TEXT NOT NULL, fingerprint TEXT NOT NULL) STRICT;"

    "CREATE TABLE device_entry (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " mac TEXT NOT NULL REFERENCES device (mac) ON DELETE CASCADE, at_ms INTEGER NOT NULL,"
    " job TEXT NOT NULL, slot TEXT NOT NULL, credential TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, method TEXT NOT NULL, outcome TEXT NOT NULL,"
    " detail TEXT) STRICT;"
    "CREATE INDEX device_entry_mac ON device_entry (mac, seq);",

    /* 1 → 2 */
    "CREATE TABLE firmware (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL UNIQUE, info TEXT NOT NULL) STRICT;"

    "ALTER TABLE image ADD COLUMN firmware TEXT REFERENCES firmware (id) ON DELETE CASCADE;"
    "CREATE INDEX image_firmware ON image (firmware);"

    "ALTER TABLE job ADD COLUMN firmware TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX job_firmware ON job (firmware, seq);"

    /* credentials and firmwares that must stay while the job has not ended */
    "CREATE TABLE job_need (id TEXT NOT NULL,"
    " job TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE, PRIMARY KEY (id, job))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX job_need_job ON job_need (job);"
    "INSERT INTO job_need (id, job) SELECT credential, id FROM job"
    " WHERE credential <> '' AND state IN ('queued', 'running');"

    "CREATE TABLE dump (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " job TEXT NOT NULL UNIQUE REFERENCES job (id) ON DELETE CASCADE, data BLOB NOT NULL) STRICT;",

    /* 2 → 3 */
    /* what is looked for when a credential comes in a second time */
    "CREATE INDEX credential_fingerprint ON credential (fingerprint);"
    "CREATE INDEX credential_key_digest ON credential (key_digest);"
    "ALTER TABLE credential ADD COLUMN purged_ms INTEGER NOT NULL DEFAULT 0;"

    "ALTER TABLE image ADD COLUMN target TEXT NOT NULL DEFAULT 'mqtt';"

    /* partitions as they were before a job changed them, sealed under backup:<id> */
    "CREATE TABLE backup (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, mac TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL,"
    " partition TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, data BLOB NOT NULL) STRICT;"
    "CREATE INDEX backup_mac ON backup (mac, seq);"

    /* settings sealed under profile:<name>: there is a Wi-Fi password among them */
    "CREATE TABLE profile (name TEXT PRIMARY KEY, changed_ms INTEGER NOT NULL,"
    " settings BLOB NOT NULL) STRICT;"

    /* keys made here that wait for their certificate, sealed under csr:<id> */
    "CREATE TABLE csr (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, key_digest TEXT NOT NULL, request TEXT NOT NULL,"
    " meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;"

    /* local certificate authorities, their keys sealed under authority:<id> */
    "CREATE TABLE authority (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, certificate TEXT NOT NULL,"
    " meta TEXT NOT NULL, key BLOB NOT NULL) STRICT;",

    /* 3 → 4 */
    "ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN depends_on TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN deadline_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN actor TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN token TEXT NOT NULL DEFAULT '';"
    /* digests of who asked under which Idempotency-Key, and of the body: in the row of the job, so
     * that no crash can come between the two */
    "ALTER TABLE job ADD COLUMN idempotency TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN body_digest TEXT NOT NULL DEFAULT '';"
    "CREATE UNIQUE INDEX job_idempotency ON job (idempotency) WHERE idempotency <> '';"
    "CREATE INDEX job_finished ON job (finished_ms);"

    /* queues that were told to stand still or to run dry; a slot need not be stored itself */
    "CREATE TABLE slot_hold (slot TEXT PRIMARY KEY, state TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL, actor TEXT NOT NULL) STRICT;"

    /* answers to requests with an Idempotency-Key, sealed under idempotency:<key> */
    "CREATE TABLE idempotency (key TEXT PRIMARY KEY, created_ms INTEGER NOT NULL,"
    " body_digest TEXT NOT NULL, answer BLOB NOT NULL) STRICT;"
    "CREATE INDEX idempotency_created ON idempotency (created_ms);"

    /* digest: SHA-256 of the token itself, certificate: of a client certificate; one of the two */
    "CREATE TABLE token (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, scope TEXT NOT NULL, digest TEXT NOT NULL, certificate TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
    " revoked_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX token_digest ON token (digest) WHERE digest <> '';"

    /* each entry's hash covers the entry and the hash before it */
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL, token TEXT NOT NULL, address TEXT NOT NULL, request TEXT NOT NULL,"
    " action TEXT NOT NULL, target TEXT NOT NULL, slot TEXT NOT NULL, mac TEXT NOT NULL,"
    " job TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL,"
    " hash TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit"
    " BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;"
    "CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit"
    " BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;"

    /* what the event streams say, written with the change that it tells of */
    "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
    " type TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, data TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_job ON event (job, seq);"

    /* secrets sealed under webhook:<id>; states is "" or " failed cancelled ": each between blanks
     */
    "CREATE TABLE webhook (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, url TEXT NOT NULL, ca TEXT NOT NULL, slot TEXT NOT NULL,"
    " states TEXT NOT NULL, secret BLOB NOT NULL) STRICT;"
    "CREATE TABLE delivery (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE, job TEXT NOT NULL,"
    " body TEXT NOT NULL, created_ms INTEGER NOT NULL, state TEXT NOT NULL,"
    " attempts INTEGER NOT NULL, tried_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL) STRICT;"
    /* a job ends once, however often its end is written */
    "CREATE UNIQUE INDEX delivery_job ON delivery (job, webhook) WHERE job <> '';"
    "CREATE INDEX delivery_due ON delivery (webhook, next_ms) WHERE state = 'pending';"
    "CREATE INDEX delivery_webhook ON delivery (webhook, seq);",

    /* 4 → 5 */
    /* accounts at clouds, settings sealed under cloud:<name>: there are keys among them */
    "CREATE TABLE cloud (name TEXT PRIMARY KEY, changed_ms INTEGER NOT NULL,"
    " settings BLOB NOT NULL) STRICT;"

    /* what was done in an account for one thing, and what is being done; spec: what was asked for;
     * progress: ids of what was made, each before the next call; secret sealed under
     * registration:<id>: the device's key until it is a credential's, and what may be claimed.
     * lives: 1 while it has, or may have, something in the account: then it is the only one of its
     * thing. policy_made: this one made the policy, which others may have since */
    "CREATE TABLE registration (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, cloud TEXT NOT NULL,"
    " thing TEXT NOT NULL, job TEXT NOT NULL, actor TEXT NOT NULL, credential TEXT NOT NULL,"
    " certificate TEXT NOT NULL, policy TEXT NOT NULL, policy_made INTEGER NOT NULL,"
    " state TEXT NOT NULL, lives INTEGER NOT NULL, spec TEXT NOT NULL, progress TEXT NOT NULL,"
    " error TEXT NOT NULL, secret BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX registration_thing ON registration (cloud, thing)"
    " WHERE lives = 1 AND thing <> '';"
    "CREATE INDEX registration_state ON registration (state, seq);"
    "CREATE INDEX registration_job ON registration (job) WHERE job <> '';"
    "CREATE INDEX registration_credential ON registration (credential) WHERE credential <> '';"
    "CREATE INDEX registration_certificate ON registration (certificate) WHERE certificate <> '';"
    "CREATE INDEX registration_policy ON registration (policy, cloud) WHERE policy <> '';",

    /* 5 → 6 */
    /* What a device's firmware is and where that keeps credentials, as a job learned last; and, so
     * that a search reads one table, the name in its credential and what its last entry says. Of
     * the entries that are there, one of a flash or an erase may have made untrue what was learned
     * before it. */
    "ALTER TABLE device ADD COLUMN firmware TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN layout TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN common_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN slot TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE device ADD COLUMN outcome TEXT NOT NULL DEFAULT 'interrupted';"
    "CREATE INDEX registration_name ON registration (thing, credential) WHERE credential <> '';"
    "WITH said AS (SELECT seq, mac, iif(json_valid(detail), detail, '{}') AS detail"
    " FROM device_entry)"
    " UPDATE device SET"
    " common_name = coalesce((SELECT iif(json_valid(meta), meta, '{}') ->> '$.common_name'"
    " FROM credential WHERE id = device.credential), ''),"
    " firmware = coalesce((SELECT detail ->> '$.firmware.at_version' FROM said"
    " WHERE mac = device.mac AND coalesce(detail ->> '$.firmware', detail ->> '$.flash',"
    " detail ->> '$.erase') IS NOT NULL ORDER BY seq DESC LIMIT 1), ''),"
    " layout = coalesce((SELECT nullif(detail ->> '$.layout', 'none') FROM said"
    " WHERE mac = device.mac AND coalesce(nullif(detail ->> '$.layout', 'none'),"
    " detail ->> '$.erase') IS NOT NULL ORDER BY seq DESC LIMIT 1), '');"
    "UPDATE device SET (slot, outcome) = (e.slot, e.outcome) FROM device_entry AS e"
    " WHERE e.seq = (SELECT max(seq) FROM device_entry WHERE mac = device.mac);"

    /* what was last in a slot: the job that ended last, and the last board that a job found there
     */
    "CREATE TABLE slot_seen (slot TEXT PRIMARY KEY, last_job TEXT NOT NULL, job TEXT NOT NULL,"
    " mac TEXT NOT NULL, chip TEXT NOT NULL, title TEXT NOT NULL, firmware TEXT NOT NULL,"
    " layout TEXT NOT NULL, seen_ms INTEGER NOT NULL) STRICT;"
    "INSERT INTO slot_seen SELECT slot, '', '', '', '', '', '', '', 0 FROM job GROUP BY slot;"
    "UPDATE slot_seen SET last_job = coalesce((SELECT id FROM job WHERE slot = slot_seen.slot"
    " AND finished_ms > 0 AND priority <= 10 ORDER BY finished_ms DESC, seq DESC LIMIT 1), '');"
    "UPDATE slot_seen SET (job, mac, chip, title, seen_ms) = (j.id,"
    " coalesce(result ->> '$.board.mac', ''), coalesce(result ->> '$.board.chip', ''),"
    " coalesce(result ->> '$.board.title', ''), started_ms) FROM job AS j"
    " WHERE j.seq = (SELECT seq FROM job WHERE slot = slot_seen.slot"
    " AND iif(json_valid(result), result, '{}') ->> '$.board' IS NOT NULL"
    " ORDER BY seq DESC LIMIT 1);"
    "UPDATE slot_seen SET (firmware, layout) = (d.firmware, d.layout) FROM device AS d"
    " WHERE d.mac = slot_seen.mac;",
};

enum { SCHEMA_VERSION = sizeof steps / sizeof *steps };

int schema_version(void)
{
    return SCHEMA_VERSION;
}

static enum err take_step(struct db *db, int from)
{
    char version[48];
    snprintf(version, sizeof version, "PRAGMA user_version = %d", from + 1);
    enum err e = db_exec(db, "BEGIN IMMEDIATE");
    if (!e) e = db_exec(db, steps[from]);
    if (!e) e = db_exec(db, version);
    if (!e) e = db_exec(db, "COMMIT");
    if (!e) return ERR_OK;
    struct err_info saved = *err_last();
    (void)db_exec(db, "ROLLBACK");
    err_restore(&saved);
    return err_wrap(e, "database version %d to %d", from, from + 1);
}

enum err schema_migrate(struct db *db)
{
    int64_t version;
    enum err e = db_number(db, "PRAGMA user_version", &version);
    if (!e && version > SCHEMA_VERSION)
        return err_fail(ERR_IO, "store_newer", "Start the newer espgate, or use another --data.",
                        "the database has version %lld, this espgate knows up to %d",
                        (long long)version, SCHEMA_VERSION);
    for (int v = (int)version; !e && v < SCHEMA_VERSION; v++)
        e = take_step(db, v);
    return e;
}
