/* samples: a folder with firmware like Espressif's, made by tests/flow/firmware_files.py, which
 * shares no code with the service and says in manifest.json what each file is. */
#ifndef TESTS_UNIT_FIRMWARE_SAMPLES_H
#define TESTS_UNIT_FIRMWARE_SAMPLES_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "service/base/buf.h"
#include "service/base/file.h"
#include "service/firmware/firmware.h"
#include "tests/unit/store/folder.h"

enum { SAMPLE_MAX = 5 * 1024 * 1024 };

static struct folder samples;
static json_t *samples_manifest;

static inline const char *sample_path(const char *name, char out[FOLDER_FILE])
{
    return folder_file(&samples, name, out);
}

/** A group's setup: an empty folder. */
static inline int samples_start_empty(void **state)
{
    (void)state;
    return folder_make(&samples);
}

/** A group's setup: a folder of firmware. */
static inline int samples_start(void **state)
{
    extern char **environ;
    pid_t pid;
    int status;
    json_error_t error;
    char path[FOLDER_FILE];
    if (samples_start_empty(state)) return -1;
    char program[] = "python3", script[] = "tests/flow/firmware_files.py";
    char *argv[] = {program, script, samples.path, NULL};
    if (posix_spawn(&pid, "/usr/bin/python3", NULL, NULL, argv, environ)) return -1;
    if (waitpid(pid, &status, 0) != pid || status) return -1;
    samples_manifest = json_load_file(sample_path("manifest.json", path), 0, &error);
    return samples_manifest ? 0 : -1;
}

static inline int samples_end(void **state)
{
    (void)state;
    folder_remove(&samples);
    json_decref(samples_manifest);
    return 0;
}

/** The whole file; dispose it. */
static inline struct buf sample_bytes(const char *name)
{
    char path[FOLDER_FILE];
    struct buf b;
    buf_init(&b, SAMPLE_MAX);
    if (file_read(sample_path(name, path), &b)) fail_msg("%s", err_last()->detail);
    return b;
}

static inline void sample_write(const char *name, const void *bytes, size_t n)
{
    char path[FOLDER_FILE];
    if (file_replace(sample_path(name, path), bytes, n, 0600)) fail_msg("%s", err_last()->detail);
}

/** Where the content of an upload is made. */
static inline const char *sample_content(const char *name, char out[FOLDER_FILE])
{
    char file[128];
    snprintf(file, sizeof file, "%s.content", name);
    return sample_path(file, out);
}

static inline enum err sample_read(const char *name, struct firmware_info *out)
{
    char upload[FOLDER_FILE], content[FOLDER_FILE];
    unlink(sample_content(name, content));
    return firmware_read(sample_path(name, upload), content, name, out);
}

static inline int sample_open_content(const char *name)
{
    char path[FOLDER_FILE];
    int fd = open(sample_content(name, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline void expect_refused(enum err e, enum err kind, const char *code)
{
    if (e != kind || strcmp(err_last()->code, code) != 0)
        fail_msg("%s (%s: %s), not %s", e ? err_last()->code : "no error", err_name(e),
                 err_last()->detail, code);
}
#endif
