/* In which order a content is written, and what is said of it when that ends too early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/jobs/plan.h"

enum {
    K = 1024,
    BOOTLOADER = 0x1000,
    TABLE = 0x8000,
    APP = 0x100000,
    FULL = CONTENT_PIECE,
    APP_BYTES = 2 * FULL + 32 * K
};

/* Bootloader, table, and an app of two pieces and a bit; and each head makes two or
 * three of one. */
static struct plan *make(const uint32_t *heads, size_t n, size_t pieces)
{
    struct plan *p;
    static const uint8_t byte = 0x5A;
    assert_int_equal(plan_new(&p), ERR_OK);
    assert_int_equal(content_new(&p->content), ERR_OK);
    assert_int_equal(
        content_add_bytes(p->content, "bootloader", BOOTLOADER, 16 * K, &byte, 1, false), ERR_OK);
    assert_int_equal(content_add_bytes(p->content, "table", TABLE, 4 * K, &byte, 1, false), ERR_OK);
    assert_int_equal(content_add_bytes(p->content, "app", APP, APP_BYTES, &byte, 1, false), ERR_OK);
    for (size_t i = 0; i < n; i++)
        plan_add_head(p, heads[i]);
    assert_int_equal(plan_cut(p), ERR_OK);
    assert_int_equal(p->count, pieces);
    return p;
}

static struct plan *make_with(uint32_t head, size_t pieces)
{
    return make(&head, 1, pieces);
}

static void expect_piece(const struct plan *p, size_t i, uint32_t offset, uint32_t size, bool head)
{
    assert_int_equal(p->pieces[i].piece.offset, offset);
    assert_int_equal(p->pieces[i].piece.size, size);
    assert_int_equal(p->pieces[i].head, head);
    assert_int_equal(p->pieces[i].state, PIECE_WANTED);
}

static void expect_order(const struct plan *p, const size_t *wanted, size_t n)
{
    size_t order[8];
    assert_int_equal(plan_order(p, order), n);
    assert_memory_equal(order, wanted, n * sizeof *order);
}

static void pieces_ascend_and_know_their_digest(void **state)
{
    (void)state;
    struct plan *p = make(NULL, 0, 5);
    uint8_t *bytes = malloc(FULL), md5[MD5_BYTES];
    memset(bytes, 0xFF, FULL);
    expect_piece(p, 0, BOOTLOADER, 16 * K, false);
    expect_piece(p, 1, TABLE, 4 * K, false);
    expect_piece(p, 2, APP, FULL, false);
    expect_piece(p, 3, APP + FULL, FULL, false);
    expect_piece(p, 4, APP + 2 * FULL, 32 * K, false);
    digest_md5(bytes, FULL, md5);
    assert_memory_equal(p->pieces[3].md5, md5, sizeof md5); /* erased */
    bytes[0] = 0x5A;
    digest_md5(bytes, FULL, md5);
    assert_memory_equal(p->pieces[2].md5, md5, sizeof md5);
    free(bytes);
    plan_free(p);
}

static void a_head_is_a_piece_of_its_own(void **state)
{
    (void)state;
    struct plan *p = make_with(BOOTLOADER, 6);
    uint8_t sector[4 * K] = {0x5A}, md5[MD5_BYTES];
    expect_piece(p, 0, BOOTLOADER, 4 * K, true);
    expect_piece(p, 1, BOOTLOADER + 4 * K, 12 * K, false);
    memset(sector + 1, 0xFF, sizeof sector - 1);
    digest_md5(sector, sizeof sector, md5);
    assert_memory_equal(p->pieces[0].md5, md5, sizeof md5);
    plan_free(p);
    p = make_with(APP + FULL + 4 * K, 7); /* in the middle of a piece */
    expect_piece(p, 3, APP + FULL, 4 * K, false);
    expect_piece(p, 4, APP + FULL + 4 * K, 4 * K, true);
    expect_piece(p, 5, APP + FULL + 8 * K, FULL - 8 * K, false);
    plan_free(p);
    p = make_with(TABLE, 5); /* all of a piece */
    expect_piece(p, 1, TABLE, 4 * K, true);
    plan_free(p);
}

static void the_bootloader_comes_last(void **state)
{
    (void)state;
    struct plan *p = make_with(BOOTLOADER + 12, 6);
    expect_order(p, (size_t[]){1, 2, 3, 4, 5, 0}, 6);
    assert_int_equal(p->head_count, 1);
    assert_int_equal(p->heads[0], BOOTLOADER);
    plan_free(p);
}

static void heads_come_in_the_order_in_which_they_were_added(void **state)
{
    (void)state;
    struct plan *p = make((const uint32_t[]){APP, TABLE, BOOTLOADER}, 3, 7);
    expect_order(p, (size_t[]){1, 4, 5, 6, 3, 2, 0}, 7);
    plan_free(p);
}

static void a_head_that_is_not_written_is_none(void **state)
{
    (void)state;
    struct plan *p = make((const uint32_t[]){0, 0x7000, APP + APP_BYTES}, 3, 5);
    assert_int_equal(p->head_count, 0);
    expect_order(p, (size_t[]){0, 1, 2, 3, 4}, 5);
    plan_free(p);
}

static void what_is_there_is_left_alone_but_for_the_heads(void **state)
{
    (void)state;
    struct plan *p = make_with(BOOTLOADER, 6);
    for (size_t i = 0; i < 6; i++)
        if (i != 4) p->pieces[i].state = PIECE_THERE;
    expect_order(p, (size_t[]){4}, 1);
    plan_want_heads(p); /* a changed app: nothing may start before it is whole */
    expect_order(p, (size_t[]){4, 0}, 2);
    assert_int_equal(plan_count(p, PIECE_THERE), 4);
    assert_int_equal(plan_bytes(p, PIECE_WANTED), FULL + 4 * K);
    plan_free(p);
}

static void with_nothing_to_write_heads_are_left_alone_too(void **state)
{
    (void)state;
    struct plan *p = make_with(BOOTLOADER, 6);
    for (size_t i = 0; i < 6; i++)
        p->pieces[i].state = PIECE_THERE;
    plan_want_heads(p);
    expect_order(p, NULL, 0);
    assert_int_equal(plan_bytes(p, PIECE_THERE), 20 * K + APP_BYTES);
    plan_free(p);
}

static void most_of_it_is_there_when_a_quarter_of_the_data_is_not(void **state)
{
    (void)state;
    struct plan *p = make_with(BOOTLOADER, 6); /* with data: the table and one piece of the app */
    assert_false(plan_is_mostly_there(p));
    for (size_t i = 0; i < 6; i++)
        p->pieces[i].state = p->pieces[i].blank ? PIECE_WANTED : PIECE_THERE;
    assert_true(p->pieces[1].blank && p->pieces[4].blank && p->pieces[5].blank);
    p->pieces[0].state = PIECE_WANTED;
    assert_true(plan_is_mostly_there(p)); /* neither heads nor what is blank counts */
    p->pieces[2].state = PIECE_WANTED;
    assert_false(plan_is_mostly_there(p));
    plan_free(p);
}

static void what_is_not_valid_is_told_with_neighbours_joined(void **state)
{
    (void)state;
    struct plan *p = make(NULL, 0, 5);
    char text[200], wanted[200];
    p->pieces[1].state = PIECE_DONE;
    p->pieces[3].state = PIECE_THERE;
    snprintf(wanted, sizeof wanted, "0x1000 to 0x5000, 0x%x to 0x%x, 0x%x to 0x%x", APP, APP + FULL,
             APP + 2 * FULL, APP + APP_BYTES);
    assert_string_equal(plan_wanted_text(p, text, sizeof text), wanted);
    p->pieces[3].state = PIECE_WANTED;
    snprintf(wanted, sizeof wanted, "0x1000 to 0x5000, 0x%x to 0x%x", APP, APP + APP_BYTES);
    assert_string_equal(plan_wanted_text(p, text, sizeof text), wanted);
    json_t *list = plan_wanted_ranges(p);
    char *json = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    snprintf(wanted, sizeof wanted,
             "[{\"offset\":4096,\"size\":16384},{\"offset\":%d,\"size\":%d}]", APP, APP_BYTES);
    assert_string_equal(json, wanted);
    free(json);
    json_decref(list);
    for (size_t i = 0; i < 5; i++)
        p->pieces[i].state = PIECE_DONE;
    assert_string_equal(plan_wanted_text(p, text, sizeof text), "");
    plan_free(p);
}

static void many_ranges_are_cut_short_in_words(void **state)
{
    (void)state;
    struct plan *p;
    char text[100];
    static const uint8_t byte = 1;
    assert_int_equal(plan_new(&p), ERR_OK);
    assert_int_equal(content_new(&p->content), ERR_OK);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(content_add_bytes(p->content, "a", i * 0x2000, 0x1000, &byte, 1, false),
                         ERR_OK);
    assert_int_equal(plan_cut(p), ERR_OK);
    plan_wanted_text(p, text, sizeof text);
    assert_non_null(strstr(text, "0x0 to 0x1000, 0x2000 to 0x3000"));
    assert_string_equal(text + strlen(text) - strlen(" …"), " …");
    json_t *list = plan_wanted_ranges(p);
    assert_int_equal(json_array_size(list), 20);
    json_decref(list);
    plan_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_ascend_and_know_their_digest),
        cmocka_unit_test(a_head_is_a_piece_of_its_own),
        cmocka_unit_test(the_bootloader_comes_last),
        cmocka_unit_test(heads_come_in_the_order_in_which_they_were_added),
        cmocka_unit_test(a_head_that_is_not_written_is_none),
        cmocka_unit_test(what_is_there_is_left_alone_but_for_the_heads),
        cmocka_unit_test(with_nothing_to_write_heads_are_left_alone_too),
        cmocka_unit_test(most_of_it_is_there_when_a_quarter_of_the_data_is_not),
        cmocka_unit_test(what_is_not_valid_is_told_with_neighbours_joined),
        cmocka_unit_test(many_ranges_are_cut_short_in_words),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
