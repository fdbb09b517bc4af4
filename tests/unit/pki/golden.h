/* golden: files of tests/data, and its manifests. */
#ifndef TESTS_UNIT_PKI_GOLDEN_H
#define TESTS_UNIT_PKI_GOLDEN_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/buf.h"
#include "service/base/file.h"

/* @p folder is one of tests/data; the tests run at the top of the tree. Dispose what it gives. */
static inline struct buf golden_file(const char *folder, const char *name)
{
    char path[256];
    struct buf b;
    snprintf(path, sizeof path, "tests/data/%s/%s", folder, name);
    buf_init(&b, 1024 * 1024);
    if (file_read(path, &b)) fail_msg("%s", err_last()->detail);
    return b;
}

static inline json_t *golden_manifest(const char *folder)
{
    char path[256];
    json_error_t error;
    snprintf(path, sizeof path, "tests/data/%s/manifest.json", folder);
    json_t *j = json_load_file(path, 0, &error);
    if (!j) fail_msg("%s: %s", path, error.text);
    return j;
}

static inline const char *text_of_member(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    if (!s) fail_msg("the manifest has no %s", key);
    return s;
}

static inline void expect_same(const struct buf *is, const struct buf *want, const char *what)
{
    if (is->len != want->len) fail_msg("%s: %zu bytes, not %zu", what, is->len, want->len);
    for (size_t i = 0; i < is->len; i++)
        if (is->data[i] != want->data[i])
            fail_msg("%s: byte %zu is %02x, not %02x", what, i, is->data[i], want->data[i]);
}
#endif
