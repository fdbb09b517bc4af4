#include "tests/unit/pki/golden.h"

#include "service/pki/nvs_edit.h"
#include "service/pki/nvs_page.h"

enum { MAX = 256 * 1024, LONG = 6000 };

static uint8_t text[LONG]; /* of values */

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < LONG; i++)
        text[i] = (uint8_t)('a' + i % 23);
    return 0;
}

static struct nvs_change blob(const char *name, size_t len)
{
    return (struct nvs_change){.space = name, .key = name, .data = text, .len = len};
}

static struct nvs list_of(const struct buf *image, struct nvs_findings *found)
{
    struct nvs n;
    nvs_init(&n);
    if (nvs_read(image->data, image->len, &n, found)) fail_msg("%s", err_last()->detail);
    return n;
}

/* The rules by which a firmware takes a partition: one free page; different numbers; only the last
 * page active, without a gap; nothing to repair. Damaged pages are none of its business. */
static void expect_in_order(const struct buf *image)
{
    uint32_t last = 0, active = UINT32_MAX;
    size_t blank = 0;
    bool any = false;
    for (const uint8_t *p = image->data; p < image->data + image->len; p += NVS_PAGE) {
        uint32_t state = le32_get(p), sequence = le32_get(p + 4);
        bool erased = true;
        for (size_t i = 0; i < NVS_PAGE; i++)
            erased = erased && p[i] == 0xff;
        blank += erased;
        if (state != NVS_STATE_ACTIVE && state != NVS_STATE_FULL) continue;
        for (const uint8_t *q = image->data; q < p; q += NVS_PAGE)
            assert_int_not_equal(le32_get(q + 4), sequence);
        if (!any || sequence > last) last = sequence;
        any = true;
        if (state != NVS_STATE_ACTIVE) continue;
        assert_int_equal(active, UINT32_MAX);
        active = sequence;
        for (size_t i = 1; i < NVS_ENTRIES; i++)
            if (nvs_entry_state(p, i - 1) == NVS_ENTRY_EMPTY)
                assert_int_equal(nvs_entry_state(p, i), NVS_ENTRY_EMPTY);
    }
    assert_true(blank >= 1);
    if (active != UINT32_MAX) assert_int_equal(active, last);
}

/* All is there that was, but for the changes, which are there too. */
static void expect_kept(const struct buf *before, const struct buf *after,
                        const struct nvs_change *changes, size_t n)
{
    struct nvs_findings found;
    struct nvs want = list_of(before, &found), is = list_of(after, &found);
    assert_int_equal(found.damaged_entries + found.superseded + found.orphans, 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nvs_set(&want, changes[i].space, changes[i].key, NVS_BLOB, 0,
                                 changes[i].data, changes[i].len),
                         ERR_OK);
    assert_int_equal(is.count, want.count);
    for (size_t i = 0; i < want.count; i++) {
        const struct nvs_item *p = &want.items[i], *q = nvs_find(&is, p->space, p->key);
        if (!q) fail_msg("%s %s is lost", p->space, p->key);
        assert_int_equal(q->type, p->type);
        assert_int_equal(q->number, p->number);
        assert_int_equal(q->bytes.len, p->bytes.len);
        if (p->bytes.len) assert_memory_equal(q->bytes.data, p->bytes.data, p->bytes.len);
    }
    nvs_dispose(&want);
    nvs_dispose(&is);
}

static size_t changed_pages(const struct buf *a, const struct buf *b)
{
    size_t n = 0;
    assert_int_equal(a->len, b->len);
    for (size_t at = 0; at < a->len; at += NVS_PAGE)
        n += memcmp(a->data + at, b->data + at, NVS_PAGE) != 0;
    return n;
}

/* @return how many pages changed. The outcome replaces the image. */
static size_t edit(struct buf *image, const struct nvs_change *changes, size_t n)
{
    struct buf out;
    buf_init_secret(&out, MAX);
    if (nvs_edit(image->data, image->len, changes, n, &out)) fail_msg("%s", err_last()->detail);
    expect_in_order(&out);
    expect_kept(image, &out, changes, n);
    size_t changed = changed_pages(image, &out);
    buf_dispose(image);
    *image = out;
    return changed;
}

static void expect_refused(const struct buf *image, const struct nvs_change *c, enum err kind,
                           const char *code)
{
    struct buf out;
    buf_init_secret(&out, MAX);
    assert_int_equal(nvs_edit(image->data, image->len, c, 1, &out), kind);
    assert_string_equal(err_last()->code, code);
    buf_dispose(&out);
}

static void stock_partitions_of_both_tools_take_a_credential_in_few_pages(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t ca, cert, key, most;
    } cases[] = {
        {"out/at_esp32.pip020.bin", 1188, 1224, 1704, 4},
        {"out/at_esp32.idf502.bin", 1188, 1224, 1704, 4},
        {"out/at_c3.pip020.bin", 1188, 1224, 1704, 4},
        {"out/at_c3.idf502.bin", 1188, 1224, 1704, 4},
        {"out/at_c2_2mb.pip020.bin", 1188, 1224, 1704, 4},
        {"out/at_c2_2mb.idf502.bin", 1188, 1224, 1704, 4},
        {"out/at_esp32.pip020.bin", 6000, 6000, 3300, 7},
        {"out/at_esp32.idf502.bin", 6000, 6000, 3300, 7},
        {"out/at_esp32.pip020.bin", 700, 700, 227, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf image = golden_file("mfg_nvs", cases[i].file);
        const struct nvs_change changes[] = {blob("mqtt_ca", cases[i].ca),
                                             blob("mqtt_cert", cases[i].cert),
                                             blob("mqtt_key", cases[i].key)};
        size_t changed = edit(&image, changes, 3);
        if (changed > cases[i].most) fail_msg("%s: %zu pages", cases[i].file, changed);
        assert_int_equal(edit(&image, changes, 3), 0); /* it is there already */
        buf_dispose(&image);
    }
}

/* ---- a small partition that the tests fill to their needs ---- */

static struct buf make(size_t size, const struct nvs_change *values, size_t n)
{
    struct nvs list;
    struct buf image;
    nvs_init(&list);
    buf_init_secret(&image, MAX);
    assert_int_equal(nvs_add(&list, "factory_param", "uart_tx_pin", NVS_I32, 17, NULL, 0), 0);
    assert_int_equal(nvs_add(&list, "factory_param", "name", NVS_STRING, 0, "WROOM", 5), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nvs_add(&list, values[i].space, values[i].key, NVS_BLOB, 0, values[i].data,
                                 values[i].len),
                         ERR_OK);
    assert_int_equal(nvs_write(&list, size, NVS_ROOMY, &image), ERR_OK);
    nvs_dispose(&list);
    return image;
}

static uint8_t *entry(struct buf *image, size_t page, size_t i)
{
    return image->data + page * NVS_PAGE + NVS_FIRST + i * NVS_ENTRY;
}

static void mark(struct buf *image, size_t page, size_t i, unsigned state)
{
    uint8_t *byte = image->data + page * NVS_PAGE + NVS_BITMAP + i / 4;
    *byte = (uint8_t)((*byte & ~(3U << (2 * (i % 4)))) | state << (2 * (i % 4)));
}

static void a_namespace_that_is_not_there_is_made(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("mqtt_ca", 900), blob("mqtt_key", 800)};
    const struct nvs_change two[] = {{"mqtt_key", "other", text, 40}, {"new", "k", text, 0}};
    struct buf image = make(4 * NVS_PAGE, c, 1);
    assert_int_equal(edit(&image, c, 2), 1);
    assert_int_equal(edit(&image, two, 2), 1);
    buf_dispose(&image);
}

static void an_item_of_another_type_makes_way(void **state)
{
    (void)state;
    struct nvs_findings found;
    const struct nvs_change c = {"factory_param", "name", text, 50};
    struct buf image = make(4 * NVS_PAGE, NULL, 0);
    assert_int_equal(edit(&image, &c, 1), 1);
    struct nvs n = list_of(&image, &found);
    assert_int_equal(nvs_find(&n, "factory_param", "name")->type, NVS_BLOB);
    assert_int_equal(nvs_find(&n, "factory_param", "uart_tx_pin")->number, 17);
    nvs_dispose(&n);
    buf_dispose(&image);
}

static void a_page_that_was_free_is_used_but_not_the_last_one(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 2000), blob("b", 1000)};
    const struct nvs_change longer = blob("b", 5000), longest = blob("a", 6000);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    assert_int_equal(le32_get(image.data + NVS_PAGE), NVS_STATE_BLANK);
    assert_int_equal(edit(&image, &longer, 1), 2);
    assert_int_equal(le32_get(image.data), NVS_STATE_FULL);
    edit(&image, &longest, 1);
    const struct nvs_change too_long = {"c", "c", text, 1200};
    expect_refused(&image, &too_long, ERR_TOO_LARGE, "nvs_full");
    buf_dispose(&image);
}

/* The room of entries that were given up lies in gaps of full pages: it is won back. */
static void gaps_in_full_pages_are_used_before_all_is_packed_anew(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 1500), blob("b", 1500), blob("c", 1500),
                                   blob("d", 1500)};
    struct buf image = make(4 * NVS_PAGE, c, 4);
    const struct nvs_change less[] = {blob("a", 10), blob("c", 10)};
    edit(&image, less, 2);
    const struct nvs_change more = {"e", "e", text, 2200};
    assert_true(edit(&image, &more, 1) <= 2);
    buf_dispose(&image);
}

static void a_partition_without_a_free_page_is_packed_anew(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 1500), blob("b", 300)};
    const struct nvs_change other = blob("b", 200);
    struct buf image = make(3 * NVS_PAGE, c, 2);
    for (size_t page = 1; page < 3; page++) { /* full, and nothing on it */
        memcpy(image.data + page * NVS_PAGE, image.data, NVS_BITMAP);
        struct nvs_cursor at = {.page = image.data + page * NVS_PAGE};
        nvs_page_begin(&at, (uint32_t)page);
    }
    edit(&image, &other, 1);
    buf_dispose(&image);
}

/* The first entry that is empty, on the page. */
static struct nvs_cursor end_of(struct buf *image, size_t page)
{
    struct nvs_cursor at = {.page = image->data + page * NVS_PAGE};
    while (nvs_entry_state(at.page, at.used) != NVS_ENTRY_EMPTY)
        at.used++;
    return at;
}

static void pages_that_do_not_lie_as_the_firmware_leaves_them_are_packed_anew(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 3000), blob("b", 1500)};
    const struct nvs_change other = blob("a", 2900);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    struct nvs_cursor at = end_of(&image, 1);
    at.used++; /* a gap on the active page */
    nvs_put_number(&at, 1, NVS_U8, "late", 5);
    edit(&image, &other, 1);
    buf_dispose(&image);

    image = make(4 * NVS_PAGE, c, 2);
    le32_put(image.data, NVS_STATE_ACTIVE); /* two active pages */
    edit(&image, &other, 1);
    buf_dispose(&image);
}

static void behind_a_write_that_was_cut_off_nothing_is_added(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 1500), blob("b", 300)};
    const struct nvs_change other = blob("b", 200);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    struct nvs_cursor at = end_of(&image, 0);
    nvs_put_number(&at, 1, NVS_I32, "uart_tx_pin", 18); /* the older one is there yet */
    edit(&image, &other, 1);
    struct nvs_findings found;
    struct nvs n = list_of(&image, &found);
    assert_int_equal(nvs_find(&n, "factory_param", "uart_tx_pin")->number, 18);
    nvs_dispose(&n);
    buf_dispose(&image);
}

static void a_page_that_was_being_moved_is_moved(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 3000), blob("b", 1500)};
    const struct nvs_change other = blob("b", 200);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    le32_put(image.data, NVS_STATE_FREEING);
    edit(&image, &other, 1);
    buf_dispose(&image);
}

static void a_value_that_was_cut_off_counts_as_such_not_as_damage(void **state)
{
    (void)state;
    struct nvs_findings found;
    const struct nvs_change c[] = {blob("a", 1500), blob("b", 300)};
    const struct nvs_change other = blob("a", 1400);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    size_t last = NVS_ENTRIES;
    while (entry(&image, 0, last - 1)[1] != NVS_BLOB_DATA)
        last--;
    assert_int_equal(entry(&image, 0, last - 1)[2], 11); /* the head of b: its data, its index */
    for (size_t i = last + 4; i <= last + 10; i++)
        mark(&image, 0, i, NVS_ENTRY_EMPTY);
    struct nvs n = list_of(&image, &found);
    assert_int_equal(found.damaged_entries, 0);
    assert_true(found.orphans >= 1);
    assert_null(nvs_find(&n, "b", "b"));
    nvs_dispose(&n);
    edit(&image, &other, 1);
    buf_dispose(&image);
}

static void damage_is_not_built_upon(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 1500), blob("b", 300)};
    const struct nvs_change other = blob("b", 200), much = {"x", "x", text, 5500};
    struct buf image = make(4 * NVS_PAGE, c, 2);
    entry(&image, 0, 1)[24] ^= 1; /* the pin: its head does not check any more */
    expect_refused(&image, &other, ERR_PROTOCOL, "nvs_damaged");
    assert_non_null(strstr(err_last()->detail, "damaged entries"));
    buf_dispose(&image);

    /* Pages that the firmware cannot read either stay as they are. */
    image = make(4 * NVS_PAGE, c, 2);
    memset(image.data + NVS_PAGE, 0x5a, 2 * NVS_PAGE);
    assert_int_equal(edit(&image, &other, 1), 1);
    expect_refused(&image, &much, ERR_PROTOCOL, "nvs_damaged");
    buf_dispose(&image);
}

static void namespaces_that_share_a_number_are_damage(void **state)
{
    (void)state;
    const struct nvs_change c[] = {blob("a", 100), blob("b", 300)};
    const struct nvs_change other = blob("b", 200);
    struct buf image = make(4 * NVS_PAGE, c, 2);
    for (size_t i = 0; i < NVS_ENTRIES; i++) {
        uint8_t *p = entry(&image, 0, i);
        if (p[0] != 0 || p[NVS_KEY] != 'b') continue;
        p[NVS_VALUE] = 2;
        le32_put(p + NVS_CRC, nvs_entry_crc(p));
    }
    expect_refused(&image, &other, ERR_PROTOCOL, "nvs_damaged");
    buf_dispose(&image);
}

static void what_is_no_partition_or_no_name_is_refused(void **state)
{
    (void)state;
    const struct nvs_change good = blob("a", 10), bad = blob("sixteen_letters_", 10);
    struct buf image = make(4 * NVS_PAGE, &good, 1);
    expect_refused(&image, &bad, ERR_ARG, "nvs_bad_name");
    memset(image.data, 0xff, image.len);
    expect_refused(&image, &good, ERR_PROTOCOL, "not_nvs");
    buf_dispose(&image);
}

/* A board is provisioned anew for years, with values of all lengths. */
static void it_can_be_done_again_and_again(void **state)
{
    (void)state;
    struct buf image = golden_file("mfg_nvs", "out/at_c2_2mb.pip020.bin");
    uint32_t random = 1;
    for (int i = 0; i < 300; i++) {
        size_t len[3];
        for (size_t k = 0; k < 3; k++) {
            random = random * 1664525 + 1013904223;
            len[k] = random >> 16 & 0xfff;
        }
        const struct nvs_change c[] = {blob("mqtt_ca", len[0]),
                                       blob("mqtt_key", len[1]),
                                       {"client_cert", "client_cert.1", text, len[2]}};
        edit(&image, c, 3);
    }
    buf_dispose(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stock_partitions_of_both_tools_take_a_credential_in_few_pages),
        cmocka_unit_test(a_namespace_that_is_not_there_is_made),
        cmocka_unit_test(an_item_of_another_type_makes_way),
        cmocka_unit_test(a_page_that_was_free_is_used_but_not_the_last_one),
        cmocka_unit_test(gaps_in_full_pages_are_used_before_all_is_packed_anew),
        cmocka_unit_test(a_partition_without_a_free_page_is_packed_anew),
        cmocka_unit_test(pages_that_do_not_lie_as_the_firmware_leaves_them_are_packed_anew),
        cmocka_unit_test(behind_a_write_that_was_cut_off_nothing_is_added),
        cmocka_unit_test(a_page_that_was_being_moved_is_moved),
        cmocka_unit_test(a_value_that_was_cut_off_counts_as_such_not_as_damage),
        cmocka_unit_test(damage_is_not_built_upon),
        cmocka_unit_test(namespaces_that_share_a_number_are_damage),
        cmocka_unit_test(what_is_no_partition_or_no_name_is_refused),
        cmocka_unit_test(it_can_be_done_again_and_again),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
