/* folder: a directory of a test's own, made at its start and removed at its end. */
#ifndef TESTS_UNIT_STORE_FOLDER_H
#define TESTS_UNIT_STORE_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FOLDER_PATH = 64, FOLDER_FILE = 400 };

struct folder {
    char path[FOLDER_PATH];
};

static inline int folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/espgate-test-XXXXXX");
    return mkdtemp(f->path) ? 0 : -1;
}

/** Flat: the store makes no folders. */
static inline void folder_remove(struct folder *f)
{
    DIR *d = opendir(f->path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[FOLDER_FILE];
        snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
        unlink(path);
    }
    if (d) closedir(d);
    rmdir(f->path);
}

static inline const char *folder_file(const struct folder *f, const char *name,
                                      char out[FOLDER_FILE])
{
    snprintf(out, FOLDER_FILE, "%s/%s", f->path, name);
    return out;
}
#endif
