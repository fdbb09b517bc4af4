#include "service/firmware/shelf.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/file.h"

static void shelf_folder(const char *data_dir, char out[SHELF_PATH])
{
    snprintf(out, SHELF_PATH, "%s/firmware", data_dir);
}

/* A name from the store: it must not lead out of the shelf. */
static void folder_of(const char *data_dir, const char *id, char out[SHELF_PATH])
{
    assert(id_is_name(id, ID_TEXT - 1));
    snprintf(out, SHELF_PATH, "%s/firmware/%s", data_dir, id);
}

void shelf_path(const char *data_dir, const char *id, const char *file, char out[SHELF_PATH])
{
    assert(id_is_name(id, ID_TEXT - 1));
    snprintf(out, SHELF_PATH, "%s/firmware/%s/%s", data_dir, id, file);
}

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* A folder of files, or a file, inside the folder @p parent. */
static void remove_below(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (!is_dots(e->d_name)) unlinkat(fd, e->d_name, 0);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    if (unlinkat(parent, name, AT_REMOVEDIR)) unlinkat(parent, name, 0);
}

enum err shelf_open(const char *data_dir, bool (*is_known)(const char *id, void *arg), void *arg)
{
    char path[SHELF_PATH];
    shelf_folder(data_dir, path);
    enum err e = file_make_dirs(path);
    if (e) return e;
    DIR *d = opendir(path);
    if (!d) return file_error(path);
    for (struct dirent *entry; (entry = readdir(d));)
        if (!is_dots(entry->d_name) && !is_known(entry->d_name, arg))
            remove_below(dirfd(d), entry->d_name);
    closedir(d);
    return ERR_OK;
}

enum err shelf_make(const char *data_dir, const char *id)
{
    char path[SHELF_PATH];
    folder_of(data_dir, id, path);
    return mkdir(path, 0700) ? file_error(path) : ERR_OK;
}

static enum err sync_at(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_CLOEXEC);
    enum err e = fd < 0 || fsync(fd) ? file_error(name) : ERR_OK;
    if (fd >= 0) close(fd);
    return e;
}

/* The files, and then the folder that names them. */
static enum err sync_folder(const char *path)
{
    enum err e = ERR_OK;
    DIR *d = opendir(path);
    if (!d) return file_error(path);
    for (struct dirent *entry; !e && (entry = readdir(d));)
        if (!is_dots(entry->d_name)) e = sync_at(dirfd(d), entry->d_name);
    if (!e) e = sync_at(dirfd(d), ".");
    closedir(d);
    return e;
}

enum err shelf_sync(const char *data_dir, const char *id)
{
    char path[SHELF_PATH];
    folder_of(data_dir, id, path);
    enum err e = sync_folder(path);
    shelf_folder(data_dir, path);
    return e ? e : sync_at(AT_FDCWD, path);
}

void shelf_remove(const char *data_dir, const char *id)
{
    char path[SHELF_PATH];
    shelf_folder(data_dir, path);
    assert(id_is_name(id, ID_TEXT - 1));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    remove_below(fd, id);
    close(fd);
}
