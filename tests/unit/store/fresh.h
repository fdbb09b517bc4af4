/* fresh: a store in a folder of its own, made for each test and gone with it. */
#ifndef TESTS_UNIT_STORE_FRESH_H
#define TESTS_UNIT_STORE_FRESH_H

#include "service/store/store.h"
#include "tests/unit/store/folder.h"

static struct folder folder;
static struct store *store;

static int setup(void **state)
{
    (void)state;
    if (folder_make(&folder)) return -1;
    return store_open(folder.path, &store) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(store);
    folder_remove(&folder);
    return 0;
}

static void expect(enum err e, enum err kind, const char *code)
{
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
}
#endif
