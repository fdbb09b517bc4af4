#include "service/firmware/running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* after the four above: */
#include <cmocka.h>

#include "service/base/buf.h"
#include "service/firmware/learn.h"

typedef uint8_t entries[2][OTADATA_ENTRY];

/* Checksums as the ROM's crc32_le() makes them, of the sequence numbers 1, 2 and 3. */
static const uint32_t sums[] = {0, 0x4743989a, 0x55f63774, 0xed4a5011};

static void add(struct partition_table *t, uint8_t type, uint8_t subtype, uint32_t offset)
{
    t->rows[t->count++] = (struct partition){.type = type, .subtype = subtype, .offset = offset};
}

/* Stock: two slots for updates, and otadata. */
static struct partition_table two_slots(void)
{
    struct partition_table t = {.count = 0};
    add(&t, PARTITION_TYPE_DATA, 0, 0x10000);
    add(&t, PARTITION_TYPE_APP, 0x10, 0x100000);
    add(&t, PARTITION_TYPE_APP, 0x11, 0x280000);
    return t;
}

static void put(uint8_t entry[OTADATA_ENTRY], uint32_t sequence, uint32_t state)
{
    memset(entry, 0xff, OTADATA_ENTRY);
    le32_put(entry, sequence);
    le32_put(entry + 24, state);
    le32_put(entry + 28, sums[sequence]);
}

static void an_erased_otadata_starts_the_first_slot(void **state)
{
    (void)state;
    struct partition_table t = two_slots();
    entries e;
    memset(e, 0xff, sizeof e);
    assert_ptr_equal(running_otadata(&t), &t.rows[0]);
    assert_ptr_equal(running_app(&t, e), &t.rows[1]);
    assert_ptr_equal(running_app(&t, NULL), &t.rows[1]);
}

static void the_higher_sequence_number_counts(void **state)
{
    (void)state;
    struct partition_table t = two_slots();
    entries e;
    put(e[0], 1, 2);
    put(e[1], 2, 2);
    assert_ptr_equal(running_app(&t, e), &t.rows[2]);
    put(e[0], 3, 2);
    assert_ptr_equal(running_app(&t, e), &t.rows[1]);
}

static void an_entry_that_is_damaged_or_given_up_does_not_count(void **state)
{
    (void)state;
    struct partition_table t = two_slots();
    entries e;
    put(e[0], 1, 2);
    for (uint32_t given_up = 3; given_up <= 4; given_up++) {
        put(e[1], 2, given_up);
        assert_ptr_equal(running_app(&t, e), &t.rows[1]);
    }
    put(e[1], 2, 2);
    e[1][28] ^= 1;
    assert_ptr_equal(running_app(&t, e), &t.rows[1]);
}

static void the_factory_app_runs_until_there_was_an_update(void **state)
{
    (void)state;
    struct partition_table t = two_slots();
    entries e;
    add(&t, PARTITION_TYPE_APP, 0, 0x400000);
    memset(e, 0xff, sizeof e);
    assert_ptr_equal(running_app(&t, e), &t.rows[3]);
    put(e[0], 2, 2);
    assert_ptr_equal(running_app(&t, e), &t.rows[2]);
}

static void a_single_app_needs_no_otadata(void **state)
{
    (void)state;
    struct partition_table t = {.count = 0}, none = {.count = 0};
    add(&t, PARTITION_TYPE_DATA, 0, 0x10000);
    add(&t, PARTITION_TYPE_APP, 0x10, 0x100000);
    assert_null(running_otadata(&t));
    assert_ptr_equal(running_app(&t, NULL), &t.rows[1]);
    assert_null(running_otadata(&none));
    assert_null(running_app(&none, NULL));
}

static void a_version_is_read_from_a_description_only(void **state)
{
    (void)state;
    uint8_t d[LEARN_VERSION_BYTES] = {0x32, 0x54, 0xcd, 0xab};
    char version[LEARN_VERSION];
    memcpy(d + 16, "v3.2.0.0", 8);
    assert_true(learn_version(d, version));
    assert_string_equal(version, "v3.2.0.0");
    memset(d + 16, 'x', 32);
    assert_true(learn_version(d, version));
    assert_int_equal(strlen(version), 32);
    d[0]++;
    assert_false(learn_version(d, version));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erased_otadata_starts_the_first_slot),
        cmocka_unit_test(the_higher_sequence_number_counts),
        cmocka_unit_test(an_entry_that_is_damaged_or_given_up_does_not_count),
        cmocka_unit_test(the_factory_app_runs_until_there_was_an_update),
        cmocka_unit_test(a_single_app_needs_no_otadata),
        cmocka_unit_test(a_version_is_read_from_a_description_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
