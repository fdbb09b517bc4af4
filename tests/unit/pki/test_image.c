#include "tests/unit/pki/authority.h"

#include "tests/unit/pki/golden.h"

#include "service/pki/atpki.h"
#include "service/pki/image.h"
#include "service/pki/nvs.h"

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
    uint8_t sha256[SHA256_BYTES];
    assert_int_equal(atpki_parse(i->bytes.data, i->bytes.len, &item, 1, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(item.type, type);
    assert_int_equal(item.len, len);
    assert_memory_equal(item.data, pem, len);
    digest_sha256(i->bytes.data, i->bytes.len, sha256);
    assert_string_equal(i->sha256, digest_hex(sha256, sizeof sha256, hex));
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

static void expect_build(const struct layout *l, const struct target *t,
                         const struct image_source *now, enum err kind, const char *code)
{
    struct image_set s;
    assert_int_equal(image_set_build(device.c, l, t, now, &s), kind);
    assert_string_equal(err_last()->code, code);
    assert_int_equal(s.count, 0);
}

static void a_board_without_the_partitions_is_refused_with_what_to_do(void **state)
{
    (void)state;
    const struct target wss = {.kind = TARGET_WSS};
    struct layout v1 = stock("esp32", 3), v2 = stock("esp32", 0);
    expect_build(&v1, &mqtt, NULL, ERR_UNSUPPORTED, "layout_not_writable");
    assert_non_null(strstr(err_last()->detail, "no partitions mqtt_cert"));
    assert_non_null(strstr(err_last()->hint, "v2.0 or newer"));
    expect_build(&v2, &wss, NULL, ERR_UNSUPPORTED, "layout_not_writable");
    assert_non_null(strstr(err_last()->hint, "v4.1"));
}

/* ---- what is there already ---- */

/* A board's flash, as far as images are put into it. */
struct present {
    struct buf bytes;
    enum err fails;
    unsigned reads;
};

static enum err read_present(const struct partition *p, struct secret *out, void *arg)
{
    struct present *now = arg;
    struct buf whole;
    now->reads++;
    if (now->fails) return err_set(now->fails, "the cable");
    buf_init(&whole, p->size);
    assert_int_equal(buf_append(&whole, now->bytes.data, now->bytes.len), ERR_OK);
    assert_int_equal(buf_fill(&whole, 0xff, p->size - now->bytes.len), ERR_OK);
    enum err e = secret_copy(whole.data, whole.len, out);
    buf_dispose(&whole);
    return e;
}

static struct present atpki_of(const struct atpki_item *items, size_t n)
{
    struct present now = {.fails = ERR_OK};
    buf_init(&now.bytes, 8192);
    if (n) assert_int_equal(atpki_build(items, n, &now.bytes), ERR_OK);
    return now;
}

static void expect_items(const struct image *i, enum credential_part part, size_t index,
                         size_t count)
{
    struct atpki_item items[4];
    size_t n = 0, len = 0;
    const char *pem = credential_pem(device.c, part, &len);
    assert_int_equal(atpki_parse(i->bytes.data, i->bytes.len, items, 4, &n), ERR_OK);
    assert_int_equal(n, count);
    assert_int_equal(items[index].len, len);
    assert_memory_equal(items[index].data, pem, len);
    for (size_t k = 0; k < n; k++)
        if (k != index) assert_memory_equal(items[k].data, "other", items[k].len);
}

static void the_other_credential_of_a_partition_stays(void **state)
{
    (void)state;
    static const struct {
        size_t there, index, count;
    } cases[] = {{0, 0, 1}, {1, 0, 1}, {1, 1, 2}, {2, 0, 2}, {2, 1, 2}, {3, 1, 3}};
    const uint8_t *other = (const uint8_t *)"other";
    const struct atpki_item items[] = {
        {ATPKI_CERT, other, 5}, {ATPKI_KEY, other, 4}, {ATPKI_CERT, other, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layout l = stock("esp32", 0);
        struct image_set s;
        struct present now = atpki_of(items, cases[i].there);
        const struct image_source source = {read_present, &now};
        const struct target t = {TARGET_CLIENT, (unsigned)cases[i].index};
        assert_int_equal(image_set_build(device.c, &l, &t, &source, &s), ERR_OK);
        assert_int_equal(s.count, 3);
        assert_string_equal(s.items[1].partition, "client_key");
        assert_int_equal(s.items[1].before.len, s.items[1].partition_size);
        expect_items(&s.items[0], CREDENTIAL_CERTIFICATE, cases[i].index, cases[i].count);
        expect_items(&s.items[1], CREDENTIAL_KEY, cases[i].index, cases[i].count);
        image_set_dispose(&s);
        buf_dispose(&now.bytes);
    }
}

static void a_credential_that_would_not_get_its_place_is_refused(void **state)
{
    (void)state;
    const struct target second = {TARGET_CLIENT, 1};
    struct layout l = stock("esp32", 0);
    struct present now = atpki_of(NULL, 0);
    const struct image_source source = {read_present, &now};
    expect_build(&l, &second, &source, ERR_ARG, "index_gap");
    expect_build(&l, &second, NULL, ERR_UNSUPPORTED, "image_needs_board");
    now.fails = ERR_PORT_GONE;
    expect_build(&l, &second, &source, ERR_PORT_GONE, "port_gone");
    buf_dispose(&now.bytes);
}

static void a_partition_of_one_credential_need_not_be_read(void **state)
{
    (void)state;
    static const enum target_kind kinds[] = {TARGET_MQTT, TARGET_SERVER, TARGET_WPA2};
    static const char *const keys[] = {"mqtt_key", "server_key", "wpa2_key"};
    struct present now = atpki_of(NULL, 0);
    const struct image_source source = {read_present, &now};
    for (size_t i = 0; i < 3; i++) {
        const struct target t = {.kind = kinds[i]};
        struct layout l = stock("esp32", 0);
        struct image_set s;
        assert_int_equal(image_set_build(device.c, &l, &t, &source, &s), ERR_OK);
        assert_string_equal(s.items[1].partition, keys[i]);
        assert_null(s.items[1].before.data);
        image_set_dispose(&s);
    }
    assert_int_equal(now.reads, 0);
    buf_dispose(&now.bytes);
}

/* ---- mfg_nvs ---- */

static void expect_blob(const struct image *i, const char *space, const char *key,
                        enum credential_part part)
{
    struct nvs n;
    struct nvs_findings found;
    size_t len = 0;
    const char *pem = credential_pem(device.c, part, &len);
    nvs_init(&n);
    assert_int_equal(nvs_read(i->bytes.data, i->bytes.len, &n, &found), ERR_OK);
    const struct nvs_item *item = nvs_find(&n, space, key);
    assert_non_null(item);
    assert_int_equal(item->type, NVS_BLOB);
    assert_int_equal(item->bytes.len, len);
    assert_memory_equal(item->bytes.data, pem, len);
    assert_non_null(nvs_find(&n, "factory_param", "uart_tx_pin"));
    nvs_dispose(&n);
}

static void in_mfg_nvs_three_values_are_exchanged(void **state)
{
    (void)state;
    static const struct {
        struct target t;
        const char *cert, *cert_key, *key, *key_key;
    } cases[] = {
        {{TARGET_MQTT, 0}, "mqtt_cert", "mqtt_cert", "mqtt_key", "mqtt_key"},
        {{TARGET_CLIENT, 1}, "client_cert", "client_cert.1", "client_key", "client_key.1"},
        {{TARGET_SERVER, 0}, "server_cert", "server_cert", "server_key", "server_key"},
        {{TARGET_WPA2, 0}, "wpa2_cert", "wpa2_cert", "wpa2_key", "wpa2_key"},
    };
    struct layout l = stock("esp32", 1);
    struct present now = {.bytes = golden_file("mfg_nvs", "out/at_esp32.idf502.bin")};
    const struct image_source source = {read_present, &now};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image_set s;
        assert_int_equal(image_set_build(device.c, &l, &cases[i].t, &source, &s), ERR_OK);
        assert_int_equal(s.count, 1);
        assert_string_equal(s.items[0].file, "mfg_nvs.bin");
        assert_string_equal(s.items[0].partition, "mfg_nvs");
        assert_int_equal(s.items[0].offset, 0x21000);
        assert_int_equal(s.items[0].bytes.len, 0x1C000);
        assert_true(s.items[0].holds_key);
        assert_int_equal(s.items[0].before.len, 0x1C000);
        assert_memory_equal(s.items[0].before.data, now.bytes.data, 0x1C000);
        expect_blob(&s.items[0], cases[i].cert, cases[i].cert_key, CREDENTIAL_CERTIFICATE);
        expect_blob(&s.items[0], cases[i].key, cases[i].key_key, CREDENTIAL_KEY);
        image_set_dispose(&s);
    }
    buf_dispose(&now.bytes);
}

/* mfg_nvs with one number in one namespace, and namespaces that the board knows besides. */
static struct present nvs_of(const char *space, const char *const *known)
{
    struct present now = {.fails = ERR_OK};
    struct nvs n;
    nvs_init(&n);
    buf_init(&now.bytes, 0x1C000);
    assert_int_equal(nvs_add(&n, space, "uart_tx_pin", NVS_I8, 1, NULL, 0), ERR_OK);
    for (; *known; known++)
        assert_int_equal(nvs_add(&n, *known, "", NVS_NAMESPACE, 0, NULL, 0), ERR_OK);
    assert_int_equal(nvs_write(&n, 0x1C000, NVS_ROOMY, &now.bytes), ERR_OK);
    nvs_dispose(&n);
    return now;
}

static void later_kinds_and_names_are_taken_where_the_board_has_them(void **state)
{
    (void)state;
    static const char *const known[] = {"https_cert", "https_key", "https_ca",     "wss_cert",
                                        "wss_key",    "wss_ca",    "wpa_ent_cert", "wpa_ent_key",
                                        "wpa_ent_ca", NULL};
    static const struct {
        struct target t;
        const char *space, *key;
    } cases[] = {
        {{TARGET_HTTPS, 1}, "https_cert", "https_cert.1"},
        {{TARGET_WSS, 0}, "wss_cert", "wss_cert.0"},
        {{TARGET_WPA2, 0}, "wpa_ent_cert", "wpa_ent_cert"},
    };
    struct layout l = stock("esp32", 1);
    struct present now = nvs_of("factory_param", known);
    const struct image_source source = {read_present, &now};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image_set s;
        assert_int_equal(image_set_build(device.c, &l, &cases[i].t, &source, &s), ERR_OK);
        expect_blob(&s.items[0], cases[i].space, cases[i].key, CREDENTIAL_CERTIFICATE);
        image_set_dispose(&s);
    }
    buf_dispose(&now.bytes);
}

static void mfg_nvs_that_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    const struct target wss = {.kind = TARGET_WSS};
    struct layout l = stock("esp32", 1);
    struct present now = nvs_of("factory_param", none);
    const struct image_source source = {read_present, &now};
    expect_build(&l, &mqtt, NULL, ERR_UNSUPPORTED, "image_needs_board");
    expect_build(&l, &wss, &source, ERR_UNSUPPORTED, "kind_not_on_board");
    buf_dispose(&now.bytes);
    now = nvs_of("other", none);
    expect_build(&l, &mqtt, &source, ERR_UNSUPPORTED, "no_factory_param");
    memset(now.bytes.data, 0xff, now.bytes.len);
    expect_build(&l, &mqtt, &source, ERR_PROTOCOL, "not_nvs");
    buf_dispose(&now.bytes);
}

static void targets_go_to_text_and_back(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "mqtt.1", "client.2", "client.", "mqtts"};
    char text[TARGET_NAME];
    struct target t;
    for (int kind = 0; kind < TARGET_KINDS; kind++)
        for (unsigned index = 0; index <= target_is_indexed((enum target_kind)kind); index++) {
            target_text(&(struct target){(enum target_kind)kind, index}, text);
            assert_true(target_parse(text, &t));
            assert_int_equal(t.kind, kind);
            assert_int_equal(t.index, index);
        }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(target_parse(bad[i], &t));
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
        cmocka_unit_test(the_other_credential_of_a_partition_stays),
        cmocka_unit_test(a_credential_that_would_not_get_its_place_is_refused),
        cmocka_unit_test(a_partition_of_one_credential_need_not_be_read),
        cmocka_unit_test(in_mfg_nvs_three_values_are_exchanged),
        cmocka_unit_test(later_kinds_and_names_are_taken_where_the_board_has_them),
        cmocka_unit_test(mfg_nvs_that_cannot_be_kept_is_refused),
        cmocka_unit_test(targets_go_to_text_and_back),
        cmocka_unit_test(an_image_larger_than_its_partition_is_refused_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
