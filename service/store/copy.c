/* copy: the whole database into one file, also while a service writes it: SQLite's online backup
 * reads one state of it, in one go, so that writers neither wait nor make it begin anew. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/file.h"
#include "service/store/outside.h"
#include "service/store/store.h"

enum { ALL_PAGES = -1 };

static enum err make_part(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_fail(ERR_CONFLICT, "backup_exists", "Delete it, or choose another name.",
                        "%s is there already", path);
    if (fd < 0) return file_error(path);
    close(fd);
    return ERR_OK;
}

static enum err copy_pages(struct db *from, struct db *to)
{
    sqlite3_backup *copy = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (!copy) return db_error(to, sqlite3_errcode(to->handle));
    sqlite3_backup_step(copy, ALL_PAGES);
    int rc = sqlite3_backup_finish(copy);
    return rc ? db_error(to, rc) : ERR_OK;
}

/* One file, without a log beside it, and known to be good. */
static enum err finish(struct db *to)
{
    struct query q;
    bool row;
    char said[64] = "";
    enum err e = db_exec(to, "PRAGMA journal_mode = DELETE");
    if (e) return e;
    query_begin_once(&q, to, "PRAGMA quick_check(1)");
    e = query_next(&q, &row);
    if (row) query_get_text(&q, said, sizeof said);
    query_end(&q);
    if (!e && strcmp(said, "ok") != 0)
        e = err_fail(ERR_IO, "store_corrupt", "Restore the data directory from a backup.", "%s",
                     said);
    return e;
}

static enum err fill(struct db *from, const char *path)
{
    struct db to = {.handle = NULL};
    enum err e = db_open(path, &to);
    if (!e) e = copy_pages(from, &to);
    if (!e) e = finish(&to);
    struct err_info saved = *err_last();
    db_close(&to);
    return e ? err_restore(&saved) : ERR_OK;
}

static enum err sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = fd < 0 || fsync(fd) ? file_error(folder) : ERR_OK;
    if (fd >= 0) close(fd);
    return e;
}

/* A backup that was not finished never has the name of one. */
static enum err copy_to(struct db *from, const char *file)
{
    char part[PATH_MAX];
    struct stat st;
    if (snprintf(part, sizeof part, "%s.part", file) >= (int)sizeof part)
        return err_set(ERR_ARG, "%s: the path is too long", file);
    if (lstat(file, &st) == 0)
        return err_fail(ERR_CONFLICT, "backup_exists", "Delete it, or choose another name.",
                        "%s is there already", file);
    enum err e = make_part(part);
    if (e) return e;
    e = fill(from, part);
    if (!e && rename(part, file)) e = file_error(file);
    if (!e) return sync_folder_of(file);
    struct err_info saved = *err_last();
    unlink(part);
    return err_restore(&saved);
}

enum err store_copy(const char *dir, const char *file)
{
    struct outside o;
    enum err e = outside_open(dir, false, &o);
    if (!e) e = copy_to(&o.db, file);
    outside_close(&o);
    return e;
}
