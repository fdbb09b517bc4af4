#include "tests/unit/pki/authority.h"

#include "service/pki/atpki.h"
#include "service/pki/image.h"

static const struct target mqtt = {.kind = TARGET_MQTT};

static struct throw device;

static int setup(void **state)
{
    (void)state;
    EVP_PKEY *root_key = make_ec("P-256"), *key = make_ec("P-256");
    X509 *root = make_cert(&(struct cert_spec){.cn = "Root", .key = root_key, .ca = true});
    X509 *leaf = make_cert(
        &(struct cert_spec){.cn = "dev", .key = key, .issuer = root, .issuer_key = root_key});
    add(&device, "root", cert_pem(root));
    add(&device, "leaf", cert_pem(leaf));
    add(&device, "key", key_old(key, NULL));
    expect_accepted(&device);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    throw_dispose(&device);
    authority_dispose();
    return 0;
}

static struct layout stock(const char *chip, size_t index)
{
    size_t n = 0;
    const struct layout_stock *l = layout_stock_list(chip, &n);
    assert_true(index < n);
    return l[index].layout;
}

static void expect_image(const struct image *i, enum atpki_type type, enum credential_part part)
{
    struct atpki_item item;
    size_t n = 0, len = 0;
    const char *pem = credential_pem(device.c, part, &len);
    char hex[SHA256_HEX];
    uint8_t sha256[SHA256_BYTES], md5[MD5_BYTES];
    assert_int_equal(atpki_parse(i->bytes.data, i->bytes.len, &item, 1, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(item.type, type);
    assert_int_equal(item.len, len);
    assert_memory_equal(item.data, pem, len);
    digest_sha256(i->bytes.data, i->bytes.len, sha256);
    digest_md5(i->bytes.data, i->bytes.len, md5);
    assert_string_equal(i->sha256, digest_hex(sha256, sizeof sha256, hex));
    assert_memory_equal(i->md5, md5, sizeof md5);
    assert_int_equal(i->holds_key, type == ATPKI_KEY);
}

static void three_images_are_built_in_order_of_their_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint32_t offset;
        enum atpki_type type;
        enum credential_part part;
    } want[] = {
        {"mqtt_cert.bin", 0x37000, ATPKI_CERT, CREDENTIAL_CERTIFICATE},
        {"mqtt_key.bin", 0x39000, ATPKI_KEY, CREDENTIAL_KEY},
        {"mqtt_ca.bin", 0x3B000, ATPKI_CA, CREDENTIAL_ROOT_CA},
    };
    struct layout l = stock("esp32", 0);
    struct image_set s;
    assert_int_equal(image_set_build(device.c, &l, &mqtt, NULL, &s), ERR_OK);
    assert_int_equal(s.count, 3);
    for (size_t i = 0; i < s.count; i++) {
        assert_string_equal(s.items[i].file, want[i].file);
        assert_int_equal(
            strncmp(s.items[i].file, s.items[i].partition, strlen(s.items[i].partition)), 0);
        assert_int_equal(s.items[i].offset, want[i].offset);
        assert_int_equal(s.items[i].partition_size, 0x2000);
        expect_image(&s.items[i], want[i].type, want[i].part);
    }
    image_set_dispose(&s);
    assert_int_equal(s.count, 0);
}

static void the_order_is_that_of_the_board_not_of_the_parts(void **state)
{
    (void)state;
    struct layout l = stock("esp32", 0);
    struct image_set s;
    struct partition *cert = NULL, *ca = NULL;
    for (size_t i = 0; i < l.user.count; i++) {
        if (!strcmp(l.user.rows[i].name, "mqtt_cert")) cert = &l.user.rows[i];
        if (!strcmp(l.user.rows[i].name, "mqtt_ca")) ca = &l.user.rows[i];
    }
    assert_true(cert && ca);
    uint32_t offset = cert->offset;
    cert->offset = ca->offset;
    ca->offset = offset;
    assert_int_equal(image_set_build(device.c, &l, &mqtt, NULL, &s), ERR_OK);
    assert_string_equal(s.items[0].partition, "mqtt_ca");
    assert_string_equal(s.items[1].partition, "mqtt_key");
    assert_string_equal(s.items[2].partition, "mqtt_cert");
    expect_image(&s.items[0], ATPKI_CA, CREDENTIAL_ROOT_CA);
    expect_image(&s.items[2], ATPKI_CERT, CREDENTIAL_CERTIFICATE);
    image_set_dispose(&s);
}

static void a_board_without_the_partitions_is_refused_with_what_to_do(void **state)
{
    (void)state;
    static const struct {
        size_t index;
        const char *says, *hint;
    } cases[] = {{1, "mfg_nvs", "v2.x"}, {3, "no partitions mqtt_cert", "v2.0 or newer"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layout l = stock("esp32", cases[i].index);
        struct image_set s;
        assert_int_equal(image_set_build(device.c, &l, &mqtt, NULL, &s), ERR_UNSUPPORTED);
        assert_string_equal(err_last()->code, "layout_not_writable");
        assert_non_null(strstr(err_last()->detail, cases[i].says));
        assert_non_null(strstr(err_last()->hint, cases[i].hint));
        assert_int_equal(s.count, 0);
    }
}

static void an_image_larger_than_its_partition_is_refused_and_nothing_is_left(void **state)
{
    (void)state;
    struct layout l = stock("esp32", 0);
    struct image_set s;
    size_t len = 0;
    credential_pem(device.c, CREDENTIAL_ROOT_CA, &len);
    for (size_t i = 0; i < l.user.count; i++)
        if (!strcmp(l.user.rows[i].name, "mqtt_ca"))
            l.user.rows[i].size = (uint32_t)(12 + (len + 3) / 4 * 4 - 1);
    assert_int_equal(image_set_build(device.c, &l, &mqtt, NULL, &s), ERR_TOO_LARGE);
    assert_string_equal(err_last()->code, "too_large_for_partition");
    assert_non_null(strstr(err_last()->detail, "mqtt_ca"));
    assert_int_equal(s.count, 0);
    assert_null(s.items[0].bytes.data);
}

static void a_damaged_place_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t offset, size;
    } damage[] = {
        {"mqtt_key", 0x38000, 0x2000}, /* into mqtt_cert */
        {"mqtt_key", 0x39100, 0x1000}, /* inside a sector */
        {"mqtt_ca", 0x3b000, 0x1800},  /* half a sector */
        {"wpa2_ca", 0x36000, 0x2000},  /* another one into mqtt_cert */
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct layout l = stock("esp32", 0);
        struct image_set set;
        for (size_t k = 0; k < l.user.count; k++) {
            struct partition *p = &l.user.rows[k];
            if (strcmp(p->name, damage[i].name) != 0) continue;
            p->offset = damage[i].offset;
            p->size = damage[i].size;
        }
        assert_int_equal(image_set_build(device.c, &l, &mqtt, NULL, &set), ERR_UNSUPPORTED);
        assert_string_equal(err_last()->code, "layout_damaged");
        assert_int_equal(set.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_images_are_built_in_order_of_their_offsets),
        cmocka_unit_test(a_damaged_place_is_refused),
        cmocka_unit_test(the_order_is_that_of_the_board_not_of_the_parts),
        cmocka_unit_test(a_board_without_the_partitions_is_refused_with_what_to_do),
        cmocka_unit_test(an_image_larger_than_its_partition_is_refused_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
