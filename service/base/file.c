#include "service/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err file_error(const char *path)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_fail(ERR_IO, "disk_full", "Free space on the disk of the data directory.",
                        "%s: the disk is full", path);
    return err_set(ERR_IO, "%s: %s", path, strerror(errno));
}

enum err file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    enum err e = ERR_OK;
    while (!e) {
        uint8_t chunk[4096];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0) break;
        if (n > 0)
            e = buf_append(out, chunk, (size_t)n);
        else if (errno != EINTR)
            e = file_error(path);
        explicit_bzero(chunk, sizeof chunk); /* the file may hold a key */
    }
    close(fd);
    return e;
}

enum err file_write(int fd, const char *path, const void *data, size_t n)
{
    const uint8_t *at = data;
    while (n) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return file_error(path);
        at += w;
        n -= (size_t)w;
    }
    return ERR_OK;
}

static enum err sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error(path);
    int rc = fsync(fd);
    close(fd);
    return rc ? file_error(path) : ERR_OK;
}

enum err file_replace(const char *path, const void *data, size_t n, unsigned mode)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp)
        return err_set(ERR_IO, "path too long: %s", path);
    unlink(temp);
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return file_error(temp);
    enum err e = file_write(fd, temp, data, n);
    if (!e && fsync(fd)) e = file_error(temp);
    close(fd);
    if (!e && rename(temp, path)) e = file_error(path);
    if (e)
        unlink(temp);
    else
        e = sync_folder_of(path);
    return e;
}

enum err file_make_dirs(const char *path)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return err_set(ERR_IO, "path too long: %s", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0') continue;
        char c = *p;
        *p = '\0';
        if (mkdir(part, 0700) && errno != EEXIST) return file_error(part);
        *p = c;
        if (!c) break;
    }
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) return err_set(ERR_IO, "%s is not a folder", path);
    return ERR_OK;
}
