/* store: one writing connection on a thread of its own (writer.h) and a few reading ones, so that
 * reading never waits for the disk. WAL with synchronous=FULL: what a writing call acknowledged
 * survives a power cut. One process at a time: the folder is locked, since two would run the same
 * jobs twice. */
#include "service/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/deadline.h"
#include "service/base/file.h"
#include "service/store/audit_chain.h"
#include "service/store/internal.h"
#include "service/store/schema.h"

enum {
    READERS = 4,
    AUDIT_SINCE = 4, /* version of the database */
    PING_NS = 1000 * 1000 * 1000,
};

struct store {
    char path[PATH_MAX];
    int folder; /* locked while we live */
    struct vault *vault;
    struct writer *writer;
    atomic_llong well_ns; /* when it was last seen to write */
    pthread_mutex_t lock; /* guards busy and open */
    pthread_cond_t free;
    struct db readers[READERS];
    bool open[READERS], busy[READERS];
    pthread_mutex_t listening; /* guards the listener, also while it is called */
    store_event_fn listener;
    void *listener_arg;
};

enum err store_write(struct store *s, write_fn fn, void *arg)
{
    return writer_do(s->writer, fn, arg, NULL, NULL);
}

void store_listen(struct store *s, store_event_fn fn, void *arg)
{
    pthread_mutex_lock(&s->listening);
    s->listener = fn;
    s->listener_arg = arg;
    pthread_mutex_unlock(&s->listening);
}

struct news {
    struct store *store;
    const struct job_record *job;
    const struct event_record *event;
};

static void tell(void *arg)
{
    const struct news *n = arg;
    struct store *s = n->store;
    pthread_mutex_lock(&s->listening);
    if (s->listener) s->listener(n->job, n->event, s->listener_arg);
    pthread_mutex_unlock(&s->listening);
}

enum err store_write_event(struct store *s, write_fn fn, void *arg, const struct job_record *job,
                           const struct event_record *event)
{
    struct news news = {s, job, event};
    return writer_do(s->writer, fn, arg, tell, &news);
}

struct vault *store_vault(struct store *s)
{
    return s->vault;
}

/* An open one before one that must be opened first. */
static int find_reader(const struct store *s)
{
    int found = -1;
    for (int i = 0; i < READERS; i++) {
        if (s->busy[i]) continue;
        if (s->open[i]) return i;
        if (found < 0) found = i;
    }
    return found;
}

static enum err open_reader(const struct store *s, struct db *db)
{
    enum err e = db_open(s->path, db);
    if (!e) e = db_exec(db, "PRAGMA query_only = ON; PRAGMA cache_size = -256;");
    if (e) db_close(db);
    return e;
}

enum err store_reader(struct store *s, struct db **db_out)
{
    enum err e = ERR_OK;
    int i;
    *db_out = NULL;
    pthread_mutex_lock(&s->lock);
    while ((i = find_reader(s)) < 0)
        pthread_cond_wait(&s->free, &s->lock);
    s->busy[i] = true;
    bool open = s->open[i];
    pthread_mutex_unlock(&s->lock);
    if (!open) e = open_reader(s, &s->readers[i]);
    if (e) {
        store_reader_done(s, &s->readers[i]);
        return e;
    }
    *db_out = &s->readers[i];
    return ERR_OK;
}

void store_reader_done(struct store *s, struct db *db)
{
    size_t i = (size_t)(db - s->readers);
    pthread_mutex_lock(&s->lock);
    s->busy[i] = false;
    s->open[i] = db->handle != NULL;
    pthread_cond_signal(&s->free);
    pthread_mutex_unlock(&s->lock);
}

void store_fold_log(struct store *s)
{
    (void)writer_fold(s->writer);
}

static enum err touch(struct db *db, void *arg)
{
    struct query q;
    (void)arg;
    query_begin(&q, db, "REPLACE INTO meta (name, value) VALUES ('ping', x'00')");
    return query_run(&q);
}

/* Anybody may ask, as often as he likes: the disk is not to be worn out by it. */
enum err store_ping(struct store *s)
{
    int64_t now = deadline_now_ns();
    if (now - atomic_load(&s->well_ns) < PING_NS) return ERR_OK;
    enum err e = store_write(s, touch, NULL);
    if (!e) atomic_store(&s->well_ns, now);
    return e;
}

enum err store_check_vault(struct store *s)
{
    return vault_check(s->vault);
}

/* SQLite makes its other files with the mode of this one. */
static enum err make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600)) {
        int saved = errno;
        if (fd >= 0) close(fd);
        return err_set(ERR_IO, "%s: %s", path, strerror(saved));
    }
    close(fd);
    return ERR_OK;
}

static enum err lock_folder(struct store *s, const char *dir)
{
    s->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder < 0) return err_set(ERR_IO, "%s: %s", dir, strerror(errno));
    if (flock(s->folder, LOCK_EX | LOCK_NB))
        return err_fail(ERR_IO, "store_in_use", "Stop the other espgate, or use another --data.",
                        "%s is in use by another espgate", dir);
    return ERR_OK;
}

static enum err configure(struct db *db)
{
    bool row;
    char mode[8] = "";
    struct query q;
    query_begin_once(&q, db, "PRAGMA journal_mode = WAL");
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, mode, sizeof mode);
    query_end(&q);
    if (!e && strcmp(mode, "wal") != 0)
        return err_set(ERR_IO, "the file system of the data directory cannot do WAL");
    if (!e)
        e = db_exec(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                        "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                        "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -1024;"
                        "PRAGMA journal_size_limit = 4194304;");
    return e;
}

static enum err insert_check(struct db *db, const char *text)
{
    struct buf sealed;
    struct query q;
    buf_init(&sealed, 256);
    enum err e = vault_seal(db->vault, "meta:vault", text, strlen(text), &sealed);
    if (!e) {
        query_begin_once(&q, db, "INSERT INTO meta (name, value) VALUES ('vault', ?)");
        query_put_blob(&q, sealed.data, sealed.len);
        e = query_run(&q);
    }
    buf_dispose(&sealed);
    return e;
}

/* With it the seal of an audit that has no entry yet: a database that has the one without the other
 * lost its audit. */
static enum err keep_check(struct db *db, const char *text)
{
    enum err e = db_exec(db, "BEGIN IMMEDIATE");
    if (!e) e = insert_check(db, text);
    if (!e) e = audit_seal(db, 0, "");
    if (!e) e = db_exec(db, "COMMIT");
    if (!e) return ERR_OK;
    struct err_info saved = *err_last();
    (void)db_exec(db, "ROLLBACK");
    return err_restore(&saved);
}

/* A sealed known text tells at the start that the key is another one, not at the first job. */
static enum err check_vault(struct db *db)
{
    static const char text[] = "espgate";
    struct buf sealed, plain;
    struct query q;
    bool row;
    buf_init(&sealed, 256);
    buf_init(&plain, 256);
    query_begin_once(&q, db, "SELECT value FROM meta WHERE name = 'vault'");
    enum err e = query_next(&q, &row);
    if (row) e = query_get_blob(&q, &sealed);
    query_end(&q);
    if (!e && !row) e = keep_check(db, text);
    if (!e && row && vault_unseal(db->vault, "meta:vault", sealed.data, sealed.len, &plain))
        e = err_fail(ERR_IO, "vault_key", "Restore the vault key that belongs to this database.",
                     "the vault key is not the one that sealed this database");
    buf_dispose(&sealed);
    buf_dispose(&plain);
    return e;
}

/* A database from before there was an audit: its seal comes before the audit itself does. */
static enum err begin_audit(struct db *db, int64_t version)
{
    return version > 0 && version < AUDIT_SINCE ? audit_seal(db, 0, "") : ERR_OK;
}

static enum err prepare(struct store *s, struct db *db)
{
    enum err e = make_file(s->path);
    if (!e) e = db_open(s->path, db);
    db->vault = s->vault;
    int64_t version;
    /* Before anything is written to a file that is not ours to write. */
    if (!e) e = db_number(db, "PRAGMA user_version", &version);
    if (!e && version <= schema_version()) e = configure(db);
    if (!e) e = begin_audit(db, version);
    if (!e) e = schema_migrate(db);
    if (!e) e = check_vault(db);
    return e;
}

/* What has no better name is a store that does not open. */
static enum err as_open_error(enum err e, const char *dir)
{
    struct err_info saved = *err_last();
    if (e == ERR_MEM || strncmp(saved.code, "store_", 6) == 0 ||
        strncmp(saved.code, "vault_", 6) == 0)
        return e;
    bool named = strncmp(saved.detail, dir, strlen(dir)) == 0;
    return err_fail(ERR_IO, "store_open", "Check owner, mode and disk of the data directory.",
                    "%s%s%s", named ? "" : dir, named ? "" : ": ", saved.detail);
}

enum err store_open(const char *dir, struct store **out)
{
    *out = NULL;
    struct store *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    struct db db = {0};
    s->folder = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->free, NULL);
    pthread_mutex_init(&s->listening, NULL);
    snprintf(s->path, sizeof s->path, "%.*s/espgate.db", PATH_MAX - 16, dir);
    enum err e = file_make_dirs(dir);
    if (!e) e = lock_folder(s, dir);
    if (!e) e = vault_open(dir, &s->vault);
    if (!e) e = prepare(s, &db);
    if (!e) e = writer_start(&db, &s->writer);
    if (!e) {
        *out = s;
        return ERR_OK;
    }
    as_open_error(e, dir);
    struct err_info saved = *err_last();
    db_close(&db);
    store_close(s);
    return err_restore(&saved);
}

void store_close(struct store *s)
{
    if (!s) return;
    /* The writer last: the last connection to close folds the WAL back into the database. */
    for (int i = 0; i < READERS; i++)
        db_close(&s->readers[i]);
    writer_stop(s->writer);
    vault_close(s->vault);
    if (s->folder >= 0) close(s->folder);
    pthread_mutex_destroy(&s->listening);
    pthread_cond_destroy(&s->free);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
