#include "tests/unit/firmware/samples.h"

#include "service/base/digest.h"
#include "service/firmware/compose.h"

enum { MB4 = 4 * 1024 * 1024 };

/* A firmware that was read, and its content file. */
struct loaded {
    struct firmware_info f;
    int fd;
};

static struct loaded load(const char *name)
{
    struct loaded l;
    if (sample_read(name, &l.f)) fail_msg("%s", err_last()->detail);
    l.fd = sample_open_content(name);
    return l;
}

/* As image_set_build() makes them: here all three say what they are. */
static struct image_set credential_for(const struct firmware_info *f)
{
    static const char *const names[] = {"mqtt_cert", "mqtt_key", "mqtt_ca"};
    struct layout layout;
    struct image_set s = {.count = 0};
    if (firmware_layout(f, &layout)) fail_msg("%s", err_last()->detail);
    for (size_t i = 0; i < 3; i++) {
        const struct partition *p = partition_find(&layout.user, names[i]);
        struct image *m = &s.items[s.count++];
        assert_non_null(p);
        snprintf(m->partition, sizeof m->partition, "%s", names[i]);
        m->offset = p->offset;
        m->partition_size = p->size;
        m->holds_key = i == 1;
        assert_int_equal(secret_copy(names[i], strlen(names[i]), &m->bytes), ERR_OK);
    }
    return s;
}

/* --- layout --- */

static void the_layout_is_that_of_the_firmware(void **state)
{
    (void)state;
    struct loaded part = load("esp32-v2.4.zip"), nvs = load("esp32-v4.1.zip");
    struct layout l;
    assert_int_equal(firmware_layout(&part.f, &l), ERR_OK);
    assert_int_equal(l.kind, LAYOUT_PARTITIONS);
    assert_string_equal(l.source, "firmware esp-at 2.4.0");
    assert_int_equal(partition_find(&l.user, "mqtt_key")->offset, 0x39000);
    assert_int_equal(firmware_layout(&nvs.f, &l), ERR_OK);
    assert_int_equal(l.kind, LAYOUT_MFG_NVS);
    close(part.fd);
    close(nvs.fd);
}

static void other_firmware_takes_no_credential(void **state)
{
    (void)state;
    struct loaded app = load("app.bin"), at = load("esp32-v2.4.zip");
    struct layout l;
    struct content *c;
    struct image_set s = credential_for(&at.f);
    expect_refused(firmware_layout(&app.f, &l), ERR_ARG, "firmware_no_credential_partitions");
    expect_refused(firmware_content(&app.f, app.fd, &s, &c), ERR_ARG,
                   "firmware_no_credential_partitions");
    assert_null(c);
    at.f.user.count = 0; /* firmware that is not ESP-AT */
    expect_refused(firmware_layout(&at.f, &l), ERR_ARG, "firmware_no_credential_partitions");
    expect_refused(firmware_content(&at.f, at.fd, &s, &c), ERR_ARG,
                   "firmware_no_credential_partitions");
    assert_int_equal(firmware_content(&at.f, at.fd, NULL, &c), ERR_OK);
    content_free(c);
    expect_refused(firmware_content(&app.f, app.fd, NULL, &c), ERR_ARG, "firmware_no_place");
    image_set_dispose(&s);
    close(app.fd);
    close(at.fd);
}

/* --- composing --- */

static void expect_credential(uint8_t *flash, const struct buf *factory, const struct image_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct image *m = &s->items[i];
        uint8_t want[0x2000];
        memset(want, 0xff, sizeof want);
        memcpy(want, m->partition, strlen(m->partition));
        assert_int_equal(m->partition_size, sizeof want);
        assert_memory_equal(flash + m->offset, want, sizeof want);
        memcpy(flash + m->offset, factory->data + m->offset, sizeof want);
    }
    assert_memory_equal(flash, factory->data, factory->len);
}

static void release_and_factory_image_make_the_same_flash(void **state)
{
    (void)state;
    static const char *const names[] = {"esp32-v2.4.zip", "esp32-v2.4.bin"};
    struct buf factory = sample_bytes("esp32-v2.4.bin");
    for (size_t i = 0; i < 2; i++) {
        struct loaded l = load(names[i]);
        struct image_set s = credential_for(&l.f);
        struct content *c;
        struct buf flash;
        buf_init_secret(&flash, MB4);
        assert_int_equal(firmware_content(&l.f, l.fd, &s, &c), ERR_OK);
        assert_int_equal(content_compose(c, l.f.flash_bytes, &flash), ERR_OK);
        assert_int_equal(flash.len, MB4);
        expect_credential(flash.data, &factory, &s);
        content_free(c);
        image_set_dispose(&s);
        buf_dispose(&flash);
        close(l.fd);
    }
    buf_dispose(&factory);
}

static void only_pieces_with_the_credential_are_not_the_files(void **state)
{
    (void)state;
    struct loaded l = load("esp32-v2.4.bin");
    struct image_set s = credential_for(&l.f);
    struct content *c;
    const struct piece *pieces;
    size_t n, patched = 0;
    assert_int_equal(firmware_content(&l.f, l.fd, &s, &c), ERR_OK);
    assert_int_equal(content_pieces(c, &pieces, &n), ERR_OK);
    assert_int_equal(n, MB4 / CONTENT_PIECE);
    for (size_t i = 0; i < n; i++) {
        bool has = pieces[i].offset < 0x3d000 && 0x37000 < pieces[i].offset + pieces[i].size;
        assert_int_equal(pieces[i].file, has ? -1 : 0);
        assert_int_equal(pieces[i].secret, has);
        patched += has;
    }
    assert_int_equal(patched, 1);
    content_free(c);
    image_set_dispose(&s);
    close(l.fd);
}

static void a_flash_too_small_is_refused(void **state)
{
    (void)state;
    struct loaded l = load("esp32-v2.4.bin");
    struct content *c;
    struct buf flash;
    buf_init(&flash, 2 * MB4);
    assert_int_equal(firmware_content(&l.f, l.fd, NULL, &c), ERR_OK);
    expect_refused(content_compose(c, MB4 - 4096, &flash), ERR_ARG, "flash_past_end");
    assert_int_equal(content_compose(c, 2 * MB4, &flash), ERR_OK);
    assert_int_equal(flash.data[2 * MB4 - 1], 0xff);
    buf_dispose(&flash);
    content_free(c);
    close(l.fd);
}

/* --- the header --- */

static struct content *bootloader_content(const struct buf *image, uint32_t n)
{
    struct content *c;
    assert_int_equal(content_new(&c), ERR_OK);
    assert_int_equal(content_add_bytes(c, "boot", 0x1000, n, image->data, n, false), ERR_OK);
    return c;
}

static void a_header_is_changed_in_a_factory_image_too(void **state)
{
    (void)state;
    static const char *const names[] = {"esp32-v2.4.zip", "esp32-v2.4.bin"};
    static const struct esp_header_wish wish = {.mode = 0, .freq = 0xf, .size = HEADER_KEEP};
    struct buf want = sample_bytes("bootloader.bin");
    want.data[2] = 0;
    want.data[3] = 0x2f;
    digest_sha256(want.data, want.len - SHA256_BYTES, want.data + want.len - SHA256_BYTES);
    for (size_t i = 0; i < 2; i++) {
        struct loaded l = load(names[i]);
        struct content *c;
        struct buf is;
        const struct piece *pieces;
        size_t n;
        buf_init(&is, MB4);
        assert_int_equal(firmware_content(&l.f, l.fd, NULL, &c), ERR_OK);
        assert_int_equal(content_patch_header(c, 0x1000, 0x7000, &wish), ERR_OK);
        assert_int_equal(content_compose(c, MB4, &is), ERR_OK);
        assert_memory_equal(is.data + 0x1000, want.data, want.len);
        assert_int_equal(is.data[0x1000 + want.len], 0xff);
        assert_int_equal(content_pieces(c, &pieces, &n), ERR_OK);
        assert_int_equal(pieces[0].file, -1);
        assert_false(pieces[0].secret);
        assert_int_equal(pieces[n - 1].file, 0);
        buf_dispose(&is);
        content_free(c);
        close(l.fd);
    }
    buf_dispose(&want);
}

static void without_a_wish_nothing_is_looked_at(void **state)
{
    (void)state;
    static const struct esp_header_wish keep = {HEADER_KEEP, HEADER_KEEP, HEADER_KEEP};
    struct content *c;
    assert_int_equal(content_new(&c), ERR_OK);
    assert_int_equal(content_patch_header(c, 0x1000, 0x7000, &keep), ERR_OK);
    content_free(c);
}

static void a_header_that_is_not_there_cannot_be_changed(void **state)
{
    (void)state;
    static const struct esp_header_wish wish = {.mode = 0, .freq = 0, .size = 0};
    struct buf image = sample_bytes("bootloader.bin");
    uint32_t n = (uint32_t)image.len;
    struct content *c = bootloader_content(&image, n - 1);
    expect_refused(content_patch_header(c, 0x0, 0x7000, &wish), ERR_ARG, "bad_image");
    expect_refused(content_patch_header(c, 0x1000, n - 1, &wish), ERR_ARG, "bad_image");
    content_free(c);
    buf_dispose(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_that_of_the_firmware),
        cmocka_unit_test(other_firmware_takes_no_credential),
        cmocka_unit_test(release_and_factory_image_make_the_same_flash),
        cmocka_unit_test(only_pieces_with_the_credential_are_not_the_files),
        cmocka_unit_test(a_flash_too_small_is_refused),
        cmocka_unit_test(a_header_is_changed_in_a_factory_image_too),
        cmocka_unit_test(without_a_wish_nothing_is_looked_at),
        cmocka_unit_test(a_header_that_is_not_there_cannot_be_changed),
    };
    return cmocka_run_group_tests(tests, samples_start, samples_end);
}
