/* zip: archives for tests, as libzip writes them. */
#ifndef TESTS_UNIT_PKI_ZIP_H
#define TESTS_UNIT_PKI_ZIP_H

#include "tests/unit/pki/authority.h"

#include <zip.h>

struct entry {
    const char *name; /* a folder when it ends with '/' */
    struct text file;
};

static inline struct text zip_of(const struct entry *entries, size_t n, bool encrypted)
{
    zip_error_t error;
    zip_stat_t st;
    zip_error_init(&error);
    zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *z = zip_open_from_source(memory, ZIP_TRUNCATE, &error);
    assert_non_null(z);
    zip_source_keep(memory);
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        if (e->name[strlen(e->name) - 1] == '/') {
            assert_true(zip_dir_add(z, e->name, ZIP_FL_ENC_UTF_8) >= 0);
            continue;
        }
        zip_source_t *s = zip_source_buffer(z, e->file.data, e->file.len, 0);
        zip_int64_t at = zip_file_add(z, e->name, s, ZIP_FL_ENC_UTF_8);
        assert_true(at >= 0);
        if (encrypted)
            assert_int_equal(zip_file_set_encryption(z, (zip_uint64_t)at, ZIP_EM_AES_256, "x"), 0);
    }
    if (zip_close(z)) fail_msg("%s", zip_strerror(z));
    assert_int_equal(zip_source_open(memory), 0);
    assert_int_equal(zip_source_stat(memory, &st), 0);
    uint8_t *bytes = malloc(st.size);
    assert_int_equal(zip_source_read(memory, bytes, st.size), (zip_int64_t)st.size);
    struct text out = text_of(bytes, st.size);
    free(bytes);
    zip_source_close(memory);
    zip_source_free(memory);
    return out;
}
#endif
