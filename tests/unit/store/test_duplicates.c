/* A credential that comes in a second time, and a private key that is taken out for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>

#include "service/base/file.h"
#include "tests/unit/store/fresh.h"

/* What a test says of a credential. */
struct sample {
    const char *id, *fingerprint, *key, *root;
};

static enum err add(struct sample x, struct credential_duplicate *d)
{
    struct credential_record r = {.created_ms = 1,
                                  .certificate_pem = (char *)x.fingerprint,
                                  .root_ca_pem = (char *)x.root,
                                  .meta_json = (char *)"{}"};
    snprintf(r.id, sizeof r.id, "%s", x.id);
    snprintf(r.fingerprint_sha256, sizeof r.fingerprint_sha256, "%s", x.fingerprint);
    snprintf(r.key_sha256, sizeof r.key_sha256, "%s", x.key);
    return store_credential_add(store, &r, "KEY", 3, d);
}

static void a_certificate_that_is_there_is_refused_with_the_earlier_one(void **state)
{
    struct credential_duplicate d = {.allowed = false};
    (void)state;
    assert_int_equal(add((struct sample){"cred_1", "f1", "k1", "r"}, &d), ERR_OK);
    assert_string_equal(d.earlier, "");
    expect(add((struct sample){"cred_2", "f1", "k1", "r"}, &d), ERR_CONFLICT, "credential_exists");
    assert_string_equal(d.earlier, "cred_1");
    assert_string_equal(err_last()->detail, "cred_1 has this certificate");
    expect(add((struct sample){"cred_2", "f1", "k1", "r"}, NULL), ERR_CONFLICT,
           "credential_exists");
    assert_int_equal(add((struct sample){"cred_2", "f2", "k2", "r"}, &d), ERR_OK);
    assert_string_equal(d.earlier, "");
    assert_int_equal(store_credential_delete(store, "cred_1"), ERR_OK);
    assert_int_equal(add((struct sample){"cred_3", "f1", "k1", "r"}, &d), ERR_OK);
}

static void a_key_that_is_there_is_refused_unless_it_is_a_renewal(void **state)
{
    struct credential_duplicate d = {.allowed = false};
    (void)state;
    assert_int_equal(add((struct sample){"cred_1", "f1", "k1", "r"}, &d), ERR_OK);
    expect(add((struct sample){"cred_2", "f2", "k1", "r"}, &d), ERR_CONFLICT, "key_in_use");
    assert_string_equal(d.earlier, "cred_1");
    assert_non_null(strstr(err_last()->detail, "cred_1"));
    d.allowed = true;
    assert_int_equal(add((struct sample){"cred_2", "f2", "k1", "r"}, &d), ERR_OK);
    assert_string_equal(d.earlier, "");
    d.allowed = false;
    /* the certificate's own twin says more than one that has the key only, the newest than others
     */
    expect(add((struct sample){"cred_3", "f1", "k1", "r"}, &d), ERR_CONFLICT, "credential_exists");
    assert_string_equal(d.earlier, "cred_1");
    expect(add((struct sample){"cred_3", "f3", "k1", "r"}, &d), ERR_CONFLICT, "key_in_use");
    assert_string_equal(d.earlier, "cred_2");
}

static void a_renewal_may_keep_the_certificate_but_not_repeat_all(void **state)
{
    struct credential_duplicate d = {.allowed = true};
    (void)state;
    assert_int_equal(add((struct sample){"cred_1", "f1", "k1", "old root"}, &d), ERR_OK);
    assert_int_equal(add((struct sample){"cred_2", "f1", "k1", "new root"}, &d), ERR_OK);
    expect(add((struct sample){"cred_3", "f1", "k1", "old root"}, &d), ERR_CONFLICT,
           "credential_exists");
    assert_string_equal(d.earlier, "cred_1");
}

enum { RACERS = 8 };

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    struct credential_duplicate duplicate;
    enum err result;
    char id[ID_TEXT];
};

static void *race(void *arg)
{
    struct racer *r = arg;
    pthread_barrier_wait(r->start);
    r->result = add((struct sample){r->id, "f1", "k1", "r"}, &r->duplicate);
    return NULL;
}

static void of_many_at_once_one_gets_in(void **state)
{
    struct racer racers[RACERS] = {{.result = ERR_OK}};
    pthread_barrier_t start;
    const char *winner = NULL;
    (void)state;
    pthread_barrier_init(&start, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) {
        racers[i].start = &start;
        snprintf(racers[i].id, sizeof racers[i].id, "cred_%d", i);
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        if (racers[i].result) continue;
        assert_null(winner);
        winner = racers[i].id;
    }
    pthread_barrier_destroy(&start);
    assert_non_null(winner);
    for (int i = 0; i < RACERS; i++)
        if (racers[i].result) assert_string_equal(racers[i].duplicate.earlier, winner);
}

static void expect_purged(const char *id, int64_t *purged_ms)
{
    struct credential_record r;
    struct buf key;
    buf_init_secret(&key, 64);
    expect(store_credential_key(store, id, &key), ERR_NOT_FOUND, "key_purged");
    assert_int_equal(key.len, 0);
    buf_dispose(&key);
    assert_int_equal(store_credential_get(store, id, &r), ERR_OK);
    assert_true(r.purged_ms > 0);
    *purged_ms = r.purged_ms;
    credential_record_dispose(&r);
}

static void a_purged_key_is_gone_and_the_rest_stays(void **state)
{
    struct credential_record r;
    struct buf key;
    int64_t first, again;
    (void)state;
    assert_int_equal(add((struct sample){"cred_1", "f1", "k1", "r"}, NULL), ERR_OK);
    assert_int_equal(add((struct sample){"cred_2", "f2", "k2", "r"}, NULL), ERR_OK);
    assert_int_equal(store_credential_get(store, "cred_1", &r), ERR_OK);
    assert_int_equal(r.purged_ms, 0);
    credential_record_dispose(&r);
    assert_int_equal(store_credential_purge_key(store, "cred_1"), ERR_OK);
    expect_purged("cred_1", &first);
    assert_int_equal(store_credential_purge_key(store, "cred_1"), ERR_OK);
    expect_purged("cred_1", &again);
    assert_int_equal(again, first);
    buf_init_secret(&key, 64);
    assert_int_equal(store_credential_key(store, "cred_2", &key), ERR_OK);
    assert_string_equal(buf_str(&key), "KEY");
    buf_dispose(&key);
    expect(store_credential_purge_key(store, "cred_x"), ERR_NOT_FOUND, "credential_not_found");
    /* it is still known for what it was */
    expect(add((struct sample){"cred_3", "f3", "k1", "r"}, NULL), ERR_CONFLICT, "key_in_use");
}

static size_t file_bytes(const char *name)
{
    char path[FOLDER_FILE];
    struct stat st;
    return stat(folder_file(&folder, name, path), &st) == 0 ? (size_t)st.st_size : 0;
}

/* A sealed key looks like noise, and a wiped page is zero. */
static size_t bytes_in_use(const char *name)
{
    char path[FOLDER_FILE];
    struct buf b;
    size_t n = 0;
    buf_init(&b, 16 * 1024 * 1024);
    assert_int_equal(file_read(folder_file(&folder, name, path), &b), ERR_OK);
    for (size_t i = 0; i < b.len; i++)
        n += b.data[i] != 0;
    buf_dispose(&b);
    return n;
}

static void a_purged_key_leaves_no_copy_in_the_files(void **state)
{
    enum { KEY_BYTES = 100000 };
    static const char key[KEY_BYTES];
    struct credential_record r = {.id = "cred_1"};
    (void)state;
    assert_int_equal(store_credential_add(store, &r, key, sizeof key, NULL), ERR_OK);
    assert_true(file_bytes("espgate.db-wal") > KEY_BYTES);
    assert_int_equal(store_credential_purge_key(store, "cred_1"), ERR_OK);
    assert_int_equal(file_bytes("espgate.db-wal"), 0);
    assert_true(bytes_in_use("espgate.db") < KEY_BYTES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_certificate_that_is_there_is_refused_with_the_earlier_one,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_that_is_there_is_refused_unless_it_is_a_renewal,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_renewal_may_keep_the_certificate_but_not_repeat_all,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(of_many_at_once_one_gets_in, setup, teardown),
        cmocka_unit_test_setup_teardown(a_purged_key_is_gone_and_the_rest_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_purged_key_leaves_no_copy_in_the_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
